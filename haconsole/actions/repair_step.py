"""Builds the one step of a repair, with its undo."""

from __future__ import annotations

from haconsole.actions.build import step_id
from haconsole.actions.checks import Check
from haconsole.actions.operations import RunCommand, Undo, UndoByCommand
from haconsole.actions.step import Step
from haconsole.model.hosts import HostFacts

LIMIT_S = 60.0


def repair_step(
    facts: HostFacts,
    setting: str,
    *,
    title: str,
    why: str,
    command: tuple[str, ...],
    verification: tuple[Check, ...],
    undo: Undo,
    precondition: tuple[Check, ...] = (),
    verify_within_s: float = 30.0,
) -> Step:
    return Step(
        id=step_id(f"repair.{setting}", facts.host),
        title=title,
        why=why,
        host=facts.host,
        operation=RunCommand(command, timeout_s=LIMIT_S),
        precondition=precondition,
        verification=verification,
        undo=undo,
        verify_within_s=verify_within_s,
        phase="host",
    )


def undo_by(check: Check, *argv: str) -> UndoByCommand:
    return UndoByCommand(RunCommand(argv, timeout_s=LIMIT_S), (check,))
