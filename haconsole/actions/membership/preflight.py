"""The checks of a join or removal before anything is changed: new host, connections, cluster."""

from __future__ import annotations

from haconsole.actions.bootstrap import preflight as bootstrap
from haconsole.actions.bootstrap import scripts
from haconsole.actions.build import look_step, script
from haconsole.actions.checks import AnyOf, Check, MemberIs, MemberStage
from haconsole.actions.membership.change import MembershipChange
from haconsole.actions.step import Step
from haconsole.actions.steps.etcd import either_healthy
from haconsole.actions.steps.order import Group, steps_named, steps_on
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.effective import etcd_peer_url
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

PHASE = "preflight"
HEALTHY_WHY = (
    "A majority must agree to a change of the members. The change starts only while every other member is healthy."
)
VERSION_WHY = "All members must have the same minor version; different ones are supported only during an upgrade."


def preflight(change: MembershipChange) -> Group:
    """All checks, in parallel."""
    return (*_host_to_come(change), *members_preflight(change))


def _host_to_come(change: MembershipChange) -> Group:
    into = change.into
    if into is None:
        return ()
    looks = bootstrap.preflight(change.after)
    others = tuple(host for host in change.after.hosts if host.name != into.name)
    ways = tuple(step for host in others for step in steps_on(steps_named(looks, "preflight.reach"), host))
    return (*steps_on(looks, into), *_version(change, into), *ways)


def _version(change: MembershipChange, into: Host) -> Group:
    versions = {row.endpoint.version for row in change.view.members if row.endpoint}
    if not change.brings_member or len(versions) != 1:
        return ()
    series = ".".join(versions.pop().split(".")[:2])
    binary = change.layout.etcd.binary
    check: Check = script(
        scripts.PROGRAM,
        "program",
        "3.4",
        series,
        binary,
        "--version",
        means=f"{binary} is version {series}, like the members",
        problem=f"{binary} must be version {series}, like the members: install that, or upgrade the cluster first",
    )
    title = "Check that etcd has the same version as the members"
    return (look_step("preflight.etcd-version", into.name, (check,), title=title, why=VERSION_WHY, phase=PHASE),)


def members_preflight(change: MembershipChange) -> tuple[Step, ...]:
    """etcd's members that stay must be healthy before its list changes."""
    if not (change.leaving or change.brings_member) or _counted_unstarted(change):
        return ()
    counts = (change.voters_now, len(change.staying), change.voters_after)
    healthy = _healthy_or_joining(change, either_healthy(counts))
    return tuple(
        look_step(
            "preflight.etcd",
            HostName(host),
            (healthy,),
            title="Verify that etcd is healthy",
            why=HEALTHY_WHY,
            phase=PHASE,
        )
        for host in change.ask
    )


def _healthy_or_joining(change: MembershipChange, healthy: Check) -> Check:
    """With kubeadm a resumed join may find the new member listed as a voter that has not started."""
    if change.into is None or not change.brings_member or not is_kubeadm(change.inventory):
        return healthy
    listed = MemberIs(etcd_peer_url(change.inventory, change.into), MemberStage.LISTED, change.ask)
    return AnyOf(((healthy,), (listed,)))


def _counted_unstarted(change: MembershipChange) -> bool:
    """Whether the member to start or remove is a voter that never started: nothing is healthy until then."""
    return any(not row.member.started and not row.member.learner for row in change.view.members)
