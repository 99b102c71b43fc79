"""Opens an action's form or plan for the row under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from haconsole.ui import error_text
from haconsole.ui.console import may_change
from haconsole.ui.messages import ActionRequest, BeginAction, FixFinding, OfferActions, PlanAction, PlanUndo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from haconsole.actions.guardrails import GuardrailStop
    from haconsole.actions.step import Plan, Refusal
    from haconsole.model.findings import ActionCall, Finding
    from haconsole.present.detail import Detail
    from haconsole.session import Session
    from haconsole.ui.console import Console
    from haconsole.ui.screens.acting import PlanScreen

    Planning = Callable[[Session], Awaitable[Plan | Refusal]]


class ActionController:
    """Offers actions, takes their arguments and plans them."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def fulfil(self, request: ActionRequest) -> None:
        if not may_change(self._console):
            return
        match request:
            case OfferActions():
                self._console.run_worker(self._offer(), exit_on_error=False)
            case BeginAction(name=name):
                self.begin(name)
            case FixFinding(number=number):
                self._console.run_worker(self._fix(number), exit_on_error=False)
            case PlanAction(name=name, request=values):
                self.plan(name, values, instead=True)
            case PlanUndo():
                self.plan_undo()
            case _:
                assert_never(request)

    async def _offer(self) -> None:
        """Let a person choose an action, those for the row under the cursor first."""
        from haconsole.actions.catalogue import catalogue
        from haconsole.present.offers import offered
        from haconsole.ui.screens.dashboard import subject_of
        from haconsole.ui.screens.palette import Palette

        console = self._console
        stops = stops_by_action(console)
        commands = offered(catalogue(), subject_of(console), console.state.snapshot, console.state.findings, stops)
        name = await console.push_screen_wait(Palette("actions", commands, key_title="FOR"))
        if name is not None:
            self.begin(name)

    @property
    def _finding(self) -> Finding | None:
        """The finding that the window is about, or the one under the cursor, or the worst."""
        from haconsole.present.offers import finding_to_fix
        from haconsole.ui.screens.dashboard import subject_of
        from haconsole.ui.screens.overlay import FindingWindow

        console, screen = self._console, self._console.screen
        key = screen.finding if isinstance(screen, FindingWindow) else subject_of(console)
        return finding_to_fix(key, console.state.findings)

    async def _fix(self, number: int) -> None:
        """Start the fix of that number; with 0 the only one, or one that a person chooses."""
        from haconsole.present.offers import fixes
        from haconsole.ui.screens.palette import Palette

        finding = self._finding
        calls = finding.calls if finding is not None else ()
        if finding is None or not calls:
            self._console.notify("no action of this console fixes this", severity="warning", markup=False)
        elif number:
            self._fix_by(finding, number)
        elif len(calls) == 1:
            self._begin_call(calls[0])
        else:
            place = await self._console.push_screen_wait(Palette("fixes, the best first", fixes(finding)))
            if place:
                self._begin_call(calls[int(place)])

    def _fix_by(self, finding: Finding, number: int) -> None:
        """Start the remedy of that number, as the finding's text counts them from 1."""
        from haconsole.model.findings import ActionCall

        remedy = next(iter(finding.remedies[number - 1 : number]), None)
        if isinstance(remedy, ActionCall):
            self._begin_call(remedy)
        elif remedy is not None:
            self._console.notify(f"fix {number} is manual: do it outside this console", markup=False)
        else:
            count = len(finding.remedies)
            self._console.notify(f"there is no fix {number}: the last one is {count}", severity="warning", markup=False)

    def _begin_call(self, call: ActionCall) -> None:
        self.begin(call.action, call.request)

    def begin(self, name: str, values: Mapping[str, str] | None = None) -> None:
        """Start an action: with its form, or with its plan if there is nothing to fill in.

        `values` are known arguments; otherwise the host under the cursor is used.
        """
        from haconsole.actions.catalogue import find_action
        from haconsole.present.form import form_for
        from haconsole.present.offers import prefilled
        from haconsole.ui.screens.acting import FormScreen
        from haconsole.ui.screens.dashboard import subject_of

        console, action = self._console, find_action(name)
        if not action.arguments:
            self.plan(name, {})
            return
        if values is None:
            values = prefilled(action, subject_of(console), console.state.snapshot)
        console.push_screen(FormScreen(form_for(action, tuple(host.name for host in console.inventory.hosts), values)))

    def plan(self, name: str, values: Mapping[str, str], *, instead: bool = False) -> None:
        """Show an action's plan, made from fresh facts; `instead` of the current screen."""
        self._show_plan(name, lambda session: session.planner.plan(name, values), instead=instead)

    def plan_undo(self) -> None:
        """Show the plan that undoes the run under the cursor."""
        from haconsole.ui.screens.history import HistoryScreen

        screen = self._console.screen
        record = screen.record if isinstance(screen, HistoryScreen) else None
        if record is not None:
            run = record.header.run
            self._show_plan(f"undo {run}", lambda session: session.history.plan_undo(run))

    def _show_plan(self, title: str, make: Planning, *, instead: bool = False) -> None:
        from haconsole.ui.screens.acting import PlanScreen

        screen, console = PlanScreen(title), self._console
        mounted = console.switch_screen(screen) if instead else console.push_screen(screen)

        async def make_plan() -> None:
            await mounted
            screen.run_worker(self._make(screen, title, make), name="plan", exit_on_error=False)

        console.run_worker(make_plan(), exit_on_error=False)

    async def _make(self, screen: PlanScreen, title: str, make: Planning) -> None:
        """Make the plan while its screen is open, and show it there."""
        from haconsole.actions.step import Plan
        from haconsole.present.cells import Cell, Tone
        from haconsole.present.plan import about_refusal

        session = self._console.session
        if session is None:
            why = _no_plan(title, "There is no session with the hosts yet; try again in a moment.")
            screen.show_reasons(Cell("? no plan", Tone.UNKNOWN), why)
            return
        try:
            planned = await make(session)
        except Exception as error:
            screen.show_reasons(Cell("✖ no plan", Tone.CRITICAL), _no_plan(title, error_text.in_words(error)))
            return
        if isinstance(planned, Plan):
            screen.show_plan(planned, session.guardrail_stops(planned))
            await _forecast(screen, session, planned)
        else:
            screen.show_reasons(Cell("✖ refused", Tone.CRITICAL), about_refusal(planned))


async def _forecast(screen: PlanScreen, session: Session, plan: Plan) -> None:
    """Show which steps will change something; the plan stays as it is if the hosts cannot be read."""
    try:
        forecasts = await session.planner.forecast(plan)
    except Exception as error:
        screen.app.notify(error_text.in_words(error), title="steps not read", severity="warning", markup=False)
        return
    if forecasts:
        screen.show_plan(plan, session.guardrail_stops(plan), forecasts)


def stops_by_action(console: Console) -> dict[str, tuple[GuardrailStop, ...]]:
    """The guardrails that stop each action now, for the actions that are stopped."""
    from haconsole.actions.catalogue import catalogue
    from haconsole.actions.guardrails import guardrail_stops

    if not console.inventory.guardrails:
        return {}
    running = console.session.history.running() if console.session is not None else 0
    now = console.setting.clock()
    stops = {each.name: guardrail_stops(console.inventory, each.name, now, running) for each in catalogue()}
    return {name: reasons for name, reasons in stops.items() if reasons}


def _no_plan(title: str, text: str) -> Detail:
    from haconsole.present.cells import Cell, Tone
    from haconsole.present.detail import Detail, Sentence

    return Detail(f"{title}: no plan", (Sentence(Cell(text, Tone.CRITICAL)),))
