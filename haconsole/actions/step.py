"""Plans: the steps an action takes, in an order, each with its reason, its checks and its way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from haconsole.actions.checks import Check
from haconsole.actions.operations import Operation, Undo
from haconsole.model.findings import ActionCall
from haconsole.model.names import HostName

StepId = NewType("StepId", str)
"""Unique in a plan and stable between two plans of the same request, e.g. ``etcd.unit@cp1``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. A step whose `verification` holds already is not performed again.

    `needs` are the steps that must be done before; steps that need nothing of each other run side by side.
    `verify_within_s` bounds the wait for `verification` after the operation. `together` are the steps without whose
    begin this one cannot end; a run done step by step starts them with it.
    """

    id: StepId
    title: str
    why: str
    host: HostName
    operation: Operation
    precondition: tuple[Check, ...] = ()
    verification: tuple[Check, ...] = ()
    undo: Undo | None = None
    needs: tuple[StepId, ...] = ()
    verify_within_s: float = 30.0
    phase: str = ""
    together: tuple[StepId, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What `action` will do to `cluster`; `steps` stand in an order that respects their `needs`.

    `undoes` names the run whose steps these take back, where they do.
    `undone_by` is the action that undoes all of this, where the undo of single steps would not do; it is planned from
    the state of the hosts at that time.
    `loses` names what cannot be had back afterwards; such a plan is agreed to by typing the cluster's name.
    `leaves` is the host that the inventory should no longer have once this is done; where `updates_inventory` its file
    is changed then without a question.
    """

    action: str
    cluster: str
    steps: tuple[Step, ...]
    summary: str = ""
    undoes: str = ""
    undone_by: ActionCall | None = None
    loses: str = ""
    leaves: str = ""
    updates_inventory: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an action is not planned, and what would make it possible."""

    action: str
    cluster: str
    reasons: tuple[str, ...]
