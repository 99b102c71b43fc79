"""Shared by the phases of a CA rotation: the CAs to replace, and builders of their steps."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.actions.build import script, step_id
from haconsole.actions.checks import AnyOf, Check, CommandSucceeds
from haconsole.actions.operations import (
    RunCommand,
    Undo,
)
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.state import CaState
from haconsole.actions.rotation.desired import ALL, HostLeaf, leaves_of_host
from haconsole.actions.step import Step
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

NONE = "-"
"""No fingerprint: the old one is already gone from every host."""


class Phase(StrEnum):
    """The progress of a CA rotation, reached or requested."""

    TRUST = "trust"
    LEAVES = "leaves"
    DROP = "drop"


class CaReplacement(msgspec.Struct, frozen=True):
    """The CAs that a plan replaces, with its context.

    `end` is the suffix of renamed files, `workloads` the pods that are restarted (see `workloads.Workloads`).
    """

    ctx: PlanContext
    several: tuple[CaState, ...]
    end: str
    workloads: str = "kube-system"

    def of(self, name: str) -> CaState | None:
        return next((one for one in self.several if one.name == name), None)

    def files_on(self, host: Host) -> tuple[str, ...]:
        """The bundles that the host has of these."""
        return tuple(one.files.cert for one in self.several if host in one.users)


def or_after_last_phase(one: CaState, *checks: Check) -> tuple[Check, ...]:
    """The checks, or the state after the last phase."""
    return (AnyOf((checks, (after_last_phase(one),))),)


def after_last_phase(one: CaState) -> CommandSucceeds:
    """The state after the last phase."""
    return _without(one, one.old, "old", "new")


def after_rollback(one: CaState) -> CommandSucceeds:
    """The state after the last phase of a rollback."""
    return _without(one, one.new, "new", "old")


def _without(one: CaState, fingerprint: str, removed: str, remaining: str) -> CommandSucceeds:
    return script(
        scripts.GONE,
        "gone",
        one.files.cert,
        fingerprint or NONE,
        means=f"{one.files.cert} contains only the {remaining} CA or key",
        problem=f"the {removed} CA or key is still there",
    )


def run_step(
    what: str,
    host: Host,
    title: str,
    why: str,
    phase: str,
    text: str,
    words: tuple[str, ...],
    verification: tuple[Check, ...],
    undo: Undo,
) -> Step:
    return Step(
        id=step_id(what, host.name),
        title=title,
        why=why,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", text.strip(), "rotate", *words)),
        verification=verification,
        undo=undo,
        verify_within_s=5.0,
        phase=phase,
    )


def short(one: CaState) -> str:
    return "service-account keys" if one.is_tokens else f"{one.name.removesuffix('-ca')} CAs"


def leaves_of(now: CaReplacement, host: Host) -> tuple[HostLeaf, ...]:
    return tuple(one for one in leaves_of_host(now.ctx, host, ALL) if now.of(one.leaf.authority))
