"""An action on the screen: its form, its plan, its confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from haconsole.actions.step import Plan
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Heading, Sentence
from haconsole.present.form import Form
from haconsole.present.guardrails import stop_items
from haconsole.present.plan import about_step, irreversible, plan_gist, plan_table, undo_sentence
from haconsole.present.row_keys import RowKey, StepKey
from haconsole.present.table import TableView
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.messages import PlanAction, StartRun
from haconsole.ui.screens.question import YesNoQuestion
from haconsole.ui.screens.split import SplitScreen
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.form import FormPane
from haconsole.ui.widgets.prompt import Line
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from haconsole.actions.forecast import Forecasts
    from haconsole.actions.guardrails import GuardrailStop
    from haconsole.ui.console import Console


class FormScreen(Screen[None]):
    """Prompts for an action's arguments; a form that fits leads to the plan."""

    app: Console

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        yield FormPane(self._form)
        yield KeyBar()

    def on_form_pane_filled(self, message: FormPane.Filled) -> None:
        self.post_message(PlanAction(message.form.action.name, message.form.request))


ALL_RIGHT = "The effect of every step exists already. A run checks all steps again; v shows the steps."


class PlanScreen(SplitScreen):
    """Shows a plan, or the refusal, once it is made, and starts it once confirmed; `title` names it before."""

    BINDINGS = bindings(Scope.PLAN)

    def __init__(self, title: str) -> None:
        super().__init__(hint="The hosts are being queried. A plan changes nothing.")
        self._title = title
        self._plan: Plan | None = None
        self._stops: tuple[GuardrailStop, ...] = ()
        self._forecasts: Forecasts | None = None
        self._everything = False
        self._no_plan = "the plan is not complete yet"
        self._teaching = False

    def on_mount(self) -> None:
        self.show(_instead(self._title, Cell("? reading fresh facts from the hosts", Tone.UNKNOWN)))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if parameters == ("steps",) and self._forecasts is None:
            return "all steps are shown until the hosts have been read"
        if action not in ("run", "switch"):
            return None
        if self._plan is None:
            return self._no_plan
        return None if self._plan.steps else "the plan has no steps: there is nothing to run"

    def show_plan(self, plan: Plan, stops: tuple[GuardrailStop, ...] = (), forecasts: Forecasts | None = None) -> None:
        """Show the plan, and the guardrails that stop its run now; with `forecasts` only the steps that will change
        something.
        """
        self._plan, self._stops, self._forecasts = plan, stops, forecasts
        self._show_steps(plan)

    def _show_steps(self, plan: Plan) -> None:
        view = plan_table(plan, self._stops, self._forecasts, everything=self._everything)
        self.show(view)
        self.on_row_highlighted()
        if plan.steps and not view.rows:
            self.text.show(Detail("nothing will change", (*stop_items(self._stops), Sentence(Cell(ALL_RIGHT)))))

    def show_reasons(self, cell: Cell, why: Detail) -> None:
        """Show why there is no plan, in a sentence and in full."""
        self._no_plan = "there is no plan to run; the reasons are on the screen"
        self.show(_instead(self._title, cell))
        self.text.show(why)
        self.text.focus()

    def details_of(self, subject: RowKey) -> Detail | None:
        if self._plan is None or not isinstance(subject, StepKey):
            return None
        about = about_step(self._plan, subject, teaching=self._teaching)
        return replace(about, items=(*stop_items(self._stops), *about.items)) if about is not None else None

    def action_switch(self, what: str) -> None:
        """Switch between all steps and those that will change something, or whether the run explains each step."""
        if what == "steps":
            self._everything = not self._everything
        else:
            self._teaching = not self._teaching
            text = "on: each step is explained and waits until you press a key" if self._teaching else "off"
            self.app.notify(text, title="teach me", timeout=4, markup=False)
        if self._plan is not None:
            self._show_steps(self._plan)

    def action_run(self) -> None:
        """Start the plan, if a person agrees."""
        if self._plan is not None:
            self.post_message(StartRun(self._plan, teaching=self._teaching))


def _instead(title: str, cell: Cell) -> TableView:
    """A sentence instead of the steps."""
    return TableView(f"plan: {title}", (), (), None, empty=cell, ageless=True)


BY_STEPS = Sentence(Cell("Each step is explained first, and waits until you press a key.", Tone.ACCENT))


def agreement(plan: Plan, *, teaching: bool = False, by_name: tuple[str, ...] = ()) -> ModalScreen[bool]:
    """The confirmation before a run: the cluster's name is typed if something cannot be undone, or a guardrail
    requires it, whose reasons are `by_name`.
    """
    if irreversible(plan) or by_name:
        return TypedAgreement(plan, teaching=teaching, by_name=by_name)
    text = Detail(
        f"run {plan.action} on {plan.cluster}?",
        (
            Sentence(plan_gist(plan)[0]),
            Sentence(Cell(undo_sentence(plan))),
            *((BY_STEPS,) if teaching else ()),
        ),
    )
    return YesNoQuestion(text)


class ClusterName(Line):
    """An input for the name of the cluster."""

    BINDINGS = bindings(Scope.TYPED)


class TypedAgreement(ModalScreen[bool]):
    """Names the steps that cannot be undone and takes the cluster's name as confirmation."""

    def __init__(self, plan: Plan, *, teaching: bool = False, by_name: tuple[str, ...] = ()) -> None:
        super().__init__()
        irreversible_steps = irreversible(plan)
        self._cluster = plan.cluster
        self._text = TextPane(id="window")
        self._question = Detail(
            f"run {plan.action} on {plan.cluster}?",
            (
                Sentence(plan_gist(plan)[0]),
                *((BY_STEPS,) if teaching else ()),
                *(Sentence(Cell(f"guardrail: {reason}", Tone.WARNING), "✖") for reason in by_name),
                *((Heading("Cannot be undone"),) if irreversible_steps else ()),
                *(Sentence(Cell(f"{step.host}: {step.title}", Tone.WARNING), "✖") for step in irreversible_steps),
                Heading("To confirm"),
                Sentence(Cell(f"Type the cluster's name, {plan.cluster}, and press enter.")),
            ),
        )

    def compose(self) -> ComposeResult:
        yield self._text
        yield ClusterName(placeholder=f"type {self._cluster} to confirm")
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.can_focus = False
        self._text.show(self._question)
        self.query_one(ClusterName).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value == self._cluster:
            self.dismiss(True)
        else:
            text = f"that is not the cluster's name: type {self._cluster}, or escape to cancel"
            self.app.notify(text, severity="warning", timeout=4, markup=False)
