"""The window in which a person types the reason to override guardrails before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input

from haconsole.present.cells import Cell
from haconsole.present.detail import Detail, Heading, Sentence
from haconsole.present.guardrails import stop_items
from haconsole.ui.key import Scope
from haconsole.ui.keys import bindings
from haconsole.ui.widgets.bar import KeyBar
from haconsole.ui.widgets.prompt import Line
from haconsole.ui.widgets.text import TextPane

if TYPE_CHECKING:
    from haconsole.actions.guardrails import GuardrailStop
    from haconsole.actions.step import Plan
    from haconsole.ui.console import Console


async def override_reason(console: Console, plan: Plan) -> str | None:
    """The reason to override the guardrails that stop the plan, empty if none does; None if it is not to run."""
    stops = console.session.guardrail_stops(plan) if console.session is not None else ()
    if not stops:
        return ""
    question = OverrideQuestion(f"run {plan.action} on {plan.cluster} although guardrails stop it?", stops)
    return await console.push_screen_wait(question) or None


def by_name(console: Console, plan: Plan) -> tuple[str, ...]:
    """The reasons of guardrails why the cluster's name is typed before the plan runs."""
    from haconsole.actions.guardrails import typed_name_reasons, undone_action

    return typed_name_reasons(console.inventory, plan.action, undoes=undone_action(plan.undoes))


class ReasonLine(Line):
    """An input for the reason to override guardrails."""

    BINDINGS = bindings(Scope.REASON)


class OverrideQuestion(ModalScreen[str]):
    """Names the guardrails that stop a run, and takes the reason to override them; empty if it does not start."""

    def __init__(self, title: str, stops: tuple[GuardrailStop, ...]) -> None:
        super().__init__()
        self._text = TextPane(id="window")
        keys = "To override the guardrails, type your reason and press enter; the run log keeps it. Escape cancels."
        self._question = Detail(title, (*stop_items(stops), Heading("To override"), Sentence(Cell(keys))))

    def compose(self) -> ComposeResult:
        yield self._text
        yield ReasonLine(placeholder="the reason to run this action now")
        yield KeyBar()

    def on_mount(self) -> None:
        self._text.can_focus = False
        self._text.show(self._question)
        self.query_one(ReasonLine).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            text = "type a reason, or escape to cancel"
            self.app.notify(text, severity="warning", timeout=4, markup=False)
