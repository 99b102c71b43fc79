"""The command line's root: verbs and errors."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from keyword import iskeyword
from typing import TYPE_CHECKING

import click

from haconsole import __version__
from haconsole.cli.output import (
    INVENTORY_ENDINGS,
    checked_output,
    open_closed_streams,
    status_of_output,
    use_lenient_errors,
)
from haconsole.errors import ExitCode, HaconsoleError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS = {
    "open": "console",
    "status": "status",
    "doctor": "status",
    "path": "path",
    "certs": "certs",
    "plan": "actions",
    "run": "actions",
    "runs": "runs",
    "commands": "runs",
    "resume": "runs",
    "undo": "runs",
    "events": "events",
    "watch": "watch",
    "bundle": "bundle",
    "record": "recording",
    "replay": "recording",
    "check": "inventory",
    "schema": "inventory",
    "discover": "discover",
    "import": "importers",
    "completion": "completing",
    "lab": "lab",
    "demo": "demo",
}
"""Each verb and the module of this package that holds a command of that name; loaded when the verb is used."""

SUMMARIES = {
    "status": "Show the state of the cluster once.",
    "doctor": "List problems with cause, evidence and fix.",
    "path": "Show the path of a request, hop by hop.",
    "certs": "List every certificate, CA and service-account key.",
    "plan": "Show the steps of an action; change nothing.",
    "run": "Run an action step by step.",
    "runs": "List runs, or show the steps of one.",
    "commands": "List every command that a run executed on a host.",
    "resume": "Resume a run that did not finish.",
    "undo": "Undo a run, newest step first.",
    "events": "Show events of the last hours.",
    "watch": "Print findings and figures as they change.",
    "bundle": "Write a diagnostic bundle without secrets.",
    "record": "Record every change of the cluster in a file.",
    "replay": "Open the console on a recording.",
    "check": "Check an inventory; report every mistake.",
    "schema": "Print the JSON Schema of the inventory.",
    "discover": "Print the inventory of a host's cluster.",
    "import": "Print an inventory from another tool's file.",
    "completion": "Print the completion script for a shell.",
    "lab": "Create practice hosts on this machine.",
    "demo": "Bootstrap practice hosts and open the console.",
}
"""Each verb in one complete sentence that fits 80 columns; `open` is the console itself."""


class VerbGroup(click.Group):
    """Loads a verb's module at its first use; a first argument that is no verb is an inventory to open."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"haconsole.cli.{VERBS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs of the help with their sentences, and inventories; no verb's module is loaded."""
        from click.shell_completion import CompletionItem

        from haconsole.cli.completing import inventories

        verbs = [CompletionItem(verb, help=text) for verb, text in SUMMARIES.items() if verb.startswith(incomplete)]
        return [*verbs, *(CompletionItem(path) for path in inventories(ctx, self.params[0], incomplete))]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options of the console before the inventory, as in ``--ascii INVENTORY``, are those of `open`."""
        return super().parse_args(ctx, ["open", *args] if _opens(args) else args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the console, the first use of this program, before the verbs."""
        console = self.get_command(ctx, "open")
        records = [record for one in console.params if (record := one.get_help_record(ctx))] if console else []
        with formatter.section("Options of the console (before or after INVENTORY)"):
            formatter.write_dl(records)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every verb with its complete sentence, without loading a module."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and args[0].endswith(INVENTORY_ENDINGS):
            args = ["open", *args]
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from haconsole.cli.arguments import fail_without_command

            fail_without_command(ctx, args[0], SUMMARIES, NO_INVENTORY)
        return super().resolve_command(ctx, args)


NO_INVENTORY = (
    f"`haconsole --help` lists the commands; the name of an inventory ends in {', '.join(INVENTORY_ENDINGS)}."
)
CONSOLE_FLAGS = ("--ascii", "--read-only")
CONSOLE_VALUES = ("--theme", "--notify", "--hook")


def _opens(args: Sequence[str]) -> bool:
    """Whether the arguments begin with options of the console, and no verb follows them."""
    rest = list(args)
    while rest and (rest[0] in CONSOLE_FLAGS or rest[0].partition("=")[0] in CONSOLE_VALUES):
        del rest[: 2 if rest[0] in CONSOLE_VALUES else 1]
    return len(rest) < len(args) and not (rest and rest[0] in VERBS)


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def root() -> None:
    """A terminal console for highly available Kubernetes control planes.

    `haconsole INVENTORY.yaml` opens the console; every command below does one thing and exits.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the process's exit status and raises no error that a person can fix."""
    try:
        result = root.main(args=list(arguments), prog_name="haconsole", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return int(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show(sys.stderr)
        return int(ExitCode.USAGE)
    except HaconsoleError as error:
        click.echo(f"haconsole: {error}", err=True)
        return int(error.exit_code)
    return int(result) if isinstance(result, int) else int(ExitCode.OK)


def run_process(arguments: Sequence[str]) -> int:
    """Like `run`, for its own process: output that could not be written decides the exit status."""
    open_closed_streams()
    raw = checked_output()
    use_lenient_errors()
    try:
        status = run(arguments)
    except (SystemExit, OSError):
        unwritten = status_of_output(raw)
        if unwritten is None:
            raise
        return int(unwritten)
    unwritten = status_of_output(raw)
    return status if unwritten is None else int(unwritten)
