"""`plan` and `run`: show an action's steps, and run them. One command for each action of the catalogue."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from haconsole.actions.catalogue import Action, Argument, ArgumentKind, catalogue
from haconsole.cli.arguments import Number, fail_without_command
from haconsole.cli.completing import hosts, inventories
from haconsole.cli.reaching import TAKE_OVER_NAMES, TakeOverLock, terminal_answers
from haconsole.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from haconsole.actions.guardrails import GuardrailStop
    from haconsole.actions.step import Plan, Refusal
    from haconsole.execution.events import Event
    from haconsole.session import Run
    from haconsole.session.live import LiveSession

Body = Callable[[Action, dict[str, Any]], int]


class Guardrails(msgspec.Struct, frozen=True):
    """The guardrails of a plan: those that stop its run now, and the reasons for a confirmation by name."""

    stops: tuple[GuardrailStop, ...] = ()
    typed_name: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The guardrails that stop the run."""
        return tuple(f"guardrail: {stop}" for stop in self.stops)


class ActionGroup(click.Group):
    """The actions as commands: `verb ACTION INVENTORY [ARGS]`, each with the arguments that the catalogue defines."""

    def __init__(self, name: str, says: str, body: Body, options: tuple[click.Parameter, ...]) -> None:
        super().__init__(name, help=says, subcommand_metavar="ACTION INVENTORY [ARGS]...")
        self._body = body
        self._options = options

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [action.name for action in catalogue()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        action = next((one for one in catalogue() if one.name == cmd_name), None)
        return self._command(action) if action else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An option of the action in front of its name is reported with its place."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            option = error.option_name
            if any(option in one.opts for one in self._options):
                ctx.fail(f"{option} has its place after the action: haconsole {self.name} ACTION INVENTORY {option}")
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args and args[0] not in names and not ctx.resilient_parsing:
            fail_without_command(ctx, args[0], names, f"`haconsole {self.name} --help` lists the actions.")
        return super().resolve_command(ctx, args)

    def _command(self, action: Action) -> click.Command:
        inventory = click.Argument(["inventory"], type=click.Path(path_type=Path), shell_complete=inventories)
        places = [_parameter(one) for one in action.arguments if one.positional]
        options = [_parameter(one) for one in action.arguments if not one.positional]
        return click.Command(
            action.name,
            help=_help(action),
            short_help=f"{action.title}.",
            params=[inventory, *places, *options, *self._options],
            callback=lambda **options: self._body(action, options),
        )


def _help(action: Action) -> str:
    """The action's help, then its positional arguments, which click itself does not describe."""
    described = (f"{one.name.upper()}: {one.help}.{_choices(one)}" for one in action.arguments if one.positional)
    return "\n\n".join((action.help, "INVENTORY: the inventory's file.", *described))


def _choices(argument: Argument) -> str:
    return f" One of: {', '.join(argument.choices)}." if argument.choices else ""


def _parameter(argument: Argument) -> click.Parameter:
    kind = click.Choice(argument.choices) if argument.choices else click.STRING
    complete = hosts if argument.kind is ArgumentKind.HOST else None
    if argument.positional:
        name = argument.name.upper()
        if argument.several:
            return click.Argument([_variable(argument)], nargs=-1, metavar=f"[{name}]...", shell_complete=hosts)
        metavar = name if argument.required else f"[{name}]"
        return click.Argument(
            [_variable(argument)], type=kind, required=argument.required, metavar=metavar, shell_complete=complete
        )
    if argument.kind is ArgumentKind.FLAG:
        return click.Option([f"--{argument.name}", _variable(argument)], is_flag=True, help=_sentence(argument.help))
    names = [f"--{argument.name}", *([f"-{argument.letter}"] if argument.letter else []), _variable(argument)]
    return click.Option(
        names,
        type=kind,
        required=argument.required,
        metavar=None if argument.choices else _metavar(argument),
        help=_sentence(argument.help),
        shell_complete=complete,
    )


def _metavar(argument: Argument) -> str:
    """The word for the option's value in the help."""
    known = {ArgumentKind.HOST: "HOST", ArgumentKind.FILE: "FILE"}
    return known.get(argument.kind) or METAVARS.get(argument.name, "TEXT")


def _sentence(text: str) -> str:
    """The catalogue's help of an argument, as options of this program have it."""
    return f"{text[:1].upper()}{text[1:]}."


def _variable(argument: Argument) -> str:
    """A name that matches no option of this program."""
    return f"of_action_{argument.name.replace('-', '_')}"


def request_of(action: Action, options: dict[str, Any]) -> dict[str, str]:
    """The given arguments, as the planner takes them."""
    values = {argument.name: options.get(_variable(argument)) for argument in action.arguments}
    return {name: _text(value) for name, value in values.items() if value}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return "yes" if value is True else str(value)


def _plan(action: Action, options: dict[str, Any]) -> int:
    return asyncio.run(show_plan(action.name, request_of(action, options), options))


def _run(action: Action, options: dict[str, Any]) -> int:
    return asyncio.run(carry_out(action.name, request_of(action, options), options))


def _session(options: dict[str, Any]) -> AbstractAsyncContextManager[LiveSession]:
    from haconsole.session.opening import open_session

    take_over = options.get("take_over", ())
    return open_session(options["inventory"], terminal_answers(options["accepted"], take_over, as_json=options["json"]))


METAVARS = {"gone": "HOSTS", "member-id": "ID"}
"""The words for values of options that are any text."""
JSON = click.Option(["--json"], is_flag=True, help="Print JSON instead of text.")
EVENTS = click.Option(["--json"], is_flag=True, help="Print one event per line, as JSON.")
ACCEPT = click.Option(
    ["--accept-host-key", "accepted"],
    multiple=True,
    metavar="FINGERPRINT",
    help="Accept an unknown host key that has this SHA256:… fingerprint.",
)
WAIT = click.Option(
    ["--wait", "wait_s"],
    type=Number(0),
    metavar="SECONDS",
    help="Wait this long for another console to release the cluster's lock.",
)
TAKE_OVER = TakeOverLock([*TAKE_OVER_NAMES, "take_over"])
STEP = click.Option(
    ["--step"],
    is_flag=True,
    help="Confirm each step at the terminal before it starts: n (next) starts the step, s stops the run.",
)
YES = click.Option(["--yes", "-y"], is_flag=True, help="Start without a confirmation.")
CONFIRM = click.Option(
    ["--confirm"], metavar="CLUSTER", help="The cluster's name, to confirm the data loss listed in the plan."
)

OVERRIDE = click.Option(
    ["--override"],
    metavar="REASON",
    default="",
    help="Override the guardrails that stop this run; the run log keeps the reason.",
)

plan = ActionGroup("plan", "Show an action's steps with their reasons; changes nothing.", _plan, (JSON, ACCEPT))
run = ActionGroup(
    "run", "Run an action, step by step.", _run, (EVENTS, YES, STEP, CONFIRM, OVERRIDE, WAIT, TAKE_OVER, ACCEPT)
)


async def show_plan(action: str, request: dict[str, str], options: dict[str, Any]) -> int:
    """Plan from fresh facts and print the plan, or the reasons against it."""
    async with _session(options) as session:
        planned = await session.planner.plan(action, request)
        return print_plan(planned, as_json=options["json"], rails=guardrails_of(session, planned))


def guardrails_of(session: LiveSession, planned: Plan | Refusal) -> Guardrails:
    """The guardrails that stop a run of the plan now, and those that require a typed name."""
    from haconsole.actions.guardrails import typed_name_reasons, undone_action
    from haconsole.actions.step import Refusal

    if isinstance(planned, Refusal):
        return Guardrails()
    reasons = typed_name_reasons(session.inventory, planned.action, undoes=undone_action(planned.undoes))
    return Guardrails(session.guardrail_stops(planned), reasons)


async def carry_out(action: str, request: dict[str, str], options: dict[str, Any]) -> int:
    """Wait for the lock if requested, plan, confirm unless already confirmed, run, report; the exit status is the
    result.
    """
    from haconsole.actions.step import Refusal
    from haconsole.cli.inventory_change import tell_change
    from haconsole.cli.stepping import require_terminal

    if options["step"]:
        require_terminal()
    async with _session(options) as session:
        session.check_startable()
        if options["wait_s"] is not None:
            await session.wait_for_lock(options["wait_s"])
        planned = await session.planner.plan(action, request)
        if isinstance(planned, Refusal):
            return print_plan(planned, as_json=options["json"])
        rails = guardrails_of(session, planned)
        if rails.stops and not options["override"].strip():
            return print_stops(planned, rails, as_json=options["json"])
        by_name = options["confirm"] == planned.cluster
        await agreed(planned, yes=by_name if planned.data_loss or rails.typed_name else options["yes"], rails=rails)
        run = session.start(planned, step_by_step=options["step"], override=options["override"])
        status = await perform(run, as_json=options["json"], step=options["step"])
    if status == ExitCode.OK:
        tell_change(options["inventory"], planned)
    return status


def print_stops(plan: Plan, rails: Guardrails, *, as_json: bool) -> int:
    """Print the guardrails that stop the run, as a refusal; returns its exit status."""
    from haconsole.actions.step import Refusal

    hint = "override the guardrails with --override REASON; the run log keeps the reason"
    return print_plan(Refusal(plan.action, plan.cluster, (*rails.reasons, hint)), as_json=as_json)


async def agreed(plan: Plan, *, yes: bool, rails: Guardrails) -> None:
    """Show the plan and have it confirmed, unless that was done before; permanent losses are shown in any case."""
    from haconsole.cli.confirm import confirmed, confirmed_by_name
    from haconsole.cli.output import show
    from haconsole.cli.reports.plan import for_good_text, plan_heading, plan_text

    if not yes:
        show(plan_text(plan), err=True)
    for_good = for_good_text(plan)
    if for_good:
        click.echo(for_good, err=True)
    if yes:
        return
    if plan.data_loss:
        await confirmed_by_name(f"\n{plan_heading(plan)}. Permanent loss: {plan.data_loss}.", plan.cluster)
    elif rails.typed_name:
        await confirmed_by_name(f"\n{plan_heading(plan)}. Guardrail: {' '.join(rails.typed_name)}", plan.cluster)
    elif not await confirmed(f"\n{plan_heading(plan)}. Carry it out?"):
        raise UsageError("not started: the plan was not confirmed", hint="answer y, or pass --yes")


def print_plan(planned: Plan | Refusal, *, as_json: bool, rails: Guardrails | None = None) -> int:
    """The plan on stdout; a refusal there too as JSON, else on stderr with exit status 4."""
    from haconsole.actions.step import Refusal
    from haconsole.cli.output import show
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.plan import plan_report, plan_text, refusal_report, refusal_text

    if isinstance(planned, Refusal):
        click.echo(encoded(refusal_report(planned)) if as_json else refusal_text(planned), err=not as_json)
        return ExitCode.REFUSED
    reasons = rails.reasons if rails is not None else ()
    show(encoded(plan_report(planned, reasons)) if as_json else plan_text(planned, reasons))
    return ExitCode.OK


async def perform(run: Run, *, as_json: bool, step: bool = False) -> int:
    """Follow the run, show its progress on stderr and its result on stdout; with `step` each step is confirmed.

    Ends with status 7 while another console has the cluster's lock, and like a refused plan while too few hosts can be
    reached.
    """
    from haconsole.actions.step import Refusal
    from haconsole.cli import output
    from haconsole.cli.reports.encoding import encoded
    from haconsole.cli.reports.plan import refusal_report
    from haconsole.cli.reports.run import event_report, run_text
    from haconsole.cli.run_driver import drive, exit_status
    from haconsole.cli.stepping import Stepper
    from haconsole.execution.locking.cluster_lock import LockedError, NoMajorityError

    def show(event: Event) -> None:
        if as_json:
            click.echo(encoded(event_report(event)))
        if stepper is not None:
            stepper.follow(event)

    stepper = Stepper(run) if step else None
    redraw = stepper is None and not (as_json and sys.stdout.isatty())
    try:
        ending, interrupted = await drive(run, show, redraw=redraw)
    except (LockedError, NoMajorityError) as error:
        if not as_json:
            raise
        click.echo(encoded(refusal_report(Refusal(run.plan.action, run.plan.cluster, (str(error),)))))
        return error.exit_code
    finally:
        if stepper is not None:
            stepper.close()
    if not as_json:
        with suppress(OSError):
            output.show(run_text(run.plan.action, run.plan.cluster, ending))
    return exit_status(ending.outcome, interrupted=interrupted)
