"""An action on the screen: its form, its plan, its confirmation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from haconsole.actions.catalogue import Action
from haconsole.actions.step import Plan, Refusal
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Heading, Sentence
from haconsole.present.form import Form
from haconsole.present.plan import about_refusal, about_step, irreversible, plan_gist, plan_table
from haconsole.present.row_keys import RowKey, StepKey
from haconsole.present.table import TableView
from haconsole.ui import error_text
from haconsole.ui.keys import Scope, bindings
from haconsole.ui.panes.bar import KeyBar
from haconsole.ui.panes.form import FormPane
from haconsole.ui.panes.prompt import Line
from haconsole.ui.panes.text import TextPane
from haconsole.ui.screens.question import YesNoQuestion
from haconsole.ui.screens.split import SplitScreen

if TYPE_CHECKING:
    from haconsole.session import Session
    from haconsole.ui.app import ConsoleApp

    Planning = Callable[[Session], Awaitable[Plan | Refusal]]


class FormScreen(Screen[None]):
    """Prompts for an action's arguments; a form that fits leads to the plan."""

    scopes = (Scope.FORM,)
    app: ConsoleApp

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        yield FormPane(self._form)
        yield KeyBar()

    def on_form_pane_filled(self, message: FormPane.Filled) -> None:
        self.app.switch_screen(plan_of(message.form.action, message.form.request))

    def action_leave(self) -> None:
        self.dismiss()


class PlanScreen(SplitScreen):
    """Makes a plan, shows it or the refusal, and runs it once confirmed; `name` is its title before."""

    BINDINGS = bindings(Scope.PLAN)

    def __init__(self, name: str, make: Planning) -> None:
        super().__init__(hint="The hosts are being queried. A plan changes nothing.")
        self._of = name
        self._planned = make
        self._planning: asyncio.Task[None] | None = None
        self._plan: Plan | None = None
        self._teaching = False

    @property
    def scopes(self) -> tuple[Scope, ...]:
        ready = self._plan is not None and self._plan.steps
        return (*((Scope.PLAN,) if ready else ()), *super().scopes)

    def on_mount(self) -> None:
        self._say(Cell("? reading fresh facts from the hosts", Tone.UNKNOWN))
        self._planning = asyncio.create_task(self._make())

    def on_unmount(self) -> None:
        if self._planning is not None:
            self._planning.cancel()

    async def _make(self) -> None:
        session = self.app.session
        if session is None:
            text = _sentence(self._of, "There is no session with the hosts yet; try again in a moment.")
            self._end_without(Cell("? no plan", Tone.UNKNOWN), text)
            return
        try:
            planned = await self._planned(session)
        except Exception as error:
            self._end_without(Cell("✖ no plan", Tone.CRITICAL), _sentence(self._of, error_text.in_words(error)))
            return
        if isinstance(planned, Refusal):
            self._end_without(Cell("✖ refused", Tone.CRITICAL), about_refusal(planned))
            return
        self._plan = planned
        self.show(plan_table(planned))

    def _say(self, cell: Cell) -> None:
        """A sentence instead of the steps."""
        self.show(TableView(f"plan: {self._of}", (), (), None, empty=cell, ageless=True))

    def _end_without(self, cell: Cell, why: Detail) -> None:
        """There is no plan: the reasons are shown."""
        self._say(cell)
        self.text.show(why)
        self.text.focus()

    def details_of(self, subject: RowKey) -> Detail | None:
        if self._plan is None or not isinstance(subject, StepKey):
            return None
        return about_step(self._plan, subject, teaching=self._teaching)

    def action_teach(self) -> None:
        """Whether the run explains each step and waits before it."""
        self._teaching = not self._teaching
        text = "on: each step is explained and waits for a key" if self._teaching else "off"
        self.app.notify(text, title="teach me", timeout=4, markup=False)
        self.tell()

    def action_carry_out(self) -> None:
        plan = self._plan
        if plan is None or not plan.steps:
            self.app.bell()
        elif self.app.run_controller.under_way:
            self.app.notify("another run is running: R shows it", severity="warning", markup=False)
        else:
            self.app.push_screen(agreement(plan, teaching=self._teaching), self._agreed)

    def _agreed(self, yes: bool | None) -> None:
        if yes and self._plan is not None:
            self.app.run_controller.carry_out(self._plan, teaching=self._teaching)


def plan_of(action: Action, request: Mapping[str, str]) -> PlanScreen:
    """The screen of an action's plan, made from fresh facts."""
    return PlanScreen(action.name, lambda session: session.planner.plan(action.name, request))


BY_STEPS = Sentence(Cell("Each step is explained first, and starts at your key.", Tone.ACCENT))


def agreement(plan: Plan, *, teaching: bool = False) -> ModalScreen[bool]:
    """The confirmation before a run: the cluster's name is typed if something cannot be undone."""
    irreversible_steps = irreversible(plan)
    if irreversible_steps:
        return TypedAgreement(plan, teaching=teaching)
    text = Detail(
        f"run {plan.action} on {plan.cluster}?",
        (
            Sentence(plan_gist(plan)[0]),
            Sentence(Cell("Every step is checked before and after, and can be undone.")),
            *((BY_STEPS,) if teaching else ()),
        ),
    )
    return YesNoQuestion(text)


class TypedAgreement(ModalScreen[bool]):
    """Names the steps that cannot be undone and takes the cluster's name as confirmation."""

    BINDINGS = bindings(Scope.TYPED)
    scopes = (Scope.TYPED,)

    def __init__(self, plan: Plan, *, teaching: bool = False) -> None:
        super().__init__()
        self._cluster = plan.cluster
        self._text = TextPane(id="window")
        self._question = Detail(
            f"run {plan.action} on {plan.cluster}?",
            (
                Sentence(plan_gist(plan)[0]),
                *((BY_STEPS,) if teaching else ()),
                Heading("Cannot be undone"),
                *(Sentence(Cell(f"{step.host}: {step.title}", Tone.WARNING), "✖") for step in irreversible(plan)),
                Heading("To confirm"),
                Sentence(Cell(f"Type the cluster's name, {plan.cluster}, and press enter.")),
            ),
        )

    def compose(self) -> ComposeResult:
        yield self._text
        yield Line(placeholder=f"type {self._cluster} to confirm")
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.can_focus = False
        self._text.show(self._question)
        self.query_one(Line).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == self._cluster:
            self.dismiss(True)
        else:
            text = f"that is not the cluster's name: type {self._cluster}, or escape to cancel"
            self.app.notify(text, severity="warning", timeout=4, markup=False)

    def action_refuse(self) -> None:
        self.dismiss(False)


def _sentence(name: str, text: str) -> Detail:
    return Detail(f"{name}: no plan", (Sentence(Cell(text, Tone.CRITICAL)),))
