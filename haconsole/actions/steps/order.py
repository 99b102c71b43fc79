"""Orders steps by groups, one group after the other."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.step import Step
from haconsole.inventory.schema import Host
from haconsole.model.names import StepId

Group = tuple[Step, ...]


def in_order(groups: tuple[Group, ...]) -> tuple[Step, ...]:
    """All steps, each group's after all of the group before it; steps of one group run in parallel.

    Further needs of a step are kept within its own group, and dropped otherwise: earlier groups are done by then
    anyway.
    """
    steps: list[Step] = []
    before: tuple[StepId, ...] = ()
    for group in groups:
        if not group:
            continue
        here = {step.id for step in group}
        steps += [replace(step, needs=(*before, *(need for need in step.needs if need in here))) for step in group]
        before = tuple(step.id for step in group)
    return tuple(steps)


def one_by_one(steps: tuple[Step, ...]) -> tuple[Group, ...]:
    """Each step as its own group."""
    return tuple((step,) for step in steps)


def steps_on(steps: tuple[Step, ...], host: Host) -> Group:
    return tuple(step for step in steps if step.host == host.name)


def steps_named(steps: tuple[Step, ...], *names: str) -> Group:
    """The steps whose id, without its host, is one of `names`."""
    return tuple(step for step in steps if step.id.rpartition("@")[0] in names)
