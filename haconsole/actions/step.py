"""Plans: the steps of an action in order, each with its reason, checks and undo."""

from __future__ import annotations

import msgspec

from haconsole.actions.checks import Check
from haconsole.actions.operations import Operation, Undo
from haconsole.model.findings import ActionCall
from haconsole.model.names import HostName, StepId


class Step(msgspec.Struct, frozen=True):
    """One step. A step whose `verification` already holds is skipped.

    `needs` are the steps that must be done before; independent steps run in parallel. `verify_within_s` bounds the wait
    for `verification` after the operation. `starts_with` are steps that must start for this one to end; a run done step
    by step starts them with it.
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
    starts_with: tuple[StepId, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The changes of `action` to `cluster`; `steps` are in an order that respects their `needs`.

    `undoes` names the run that this plan undoes, if any. `undone_by` is the action that undoes all of this, if undoing
    single steps is not enough; it is planned from the state of the hosts at that time. `data_loss` names what is lost
    permanently; such a plan is confirmed by typing the cluster's name. `departing_host` is the host to remove from the
    inventory afterwards; with `updates_inventory` its file is then changed without a prompt. `absent_hosts` are off
    permanently by the operator's word, so that the cluster's lock does not need them.
    """

    action: str
    cluster: str
    steps: tuple[Step, ...]
    summary: str = ""
    undoes: str = ""
    undone_by: ActionCall | None = None
    data_loss: str = ""
    departing_host: str = ""
    updates_inventory: bool = False
    absent_hosts: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True):
    """The reasons why an action is not planned, and the way out."""

    action: str
    cluster: str
    reasons: tuple[str, ...]
