"""Hosts join and leave while CAs are being replaced: refused where the rotation could not be finished afterwards."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import find_action, plan_action
from haconsole.actions.membership.plan import plan_join, plan_rejoin, plan_remove, plan_replace
from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import Host
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import certified as units
from tests.fakes import cluster, kubeadm
from tests.fakes.certified import NEW, OLD
from tests.fakes.kubeadm_certificates import PKI, certified
from tests.unit.actions.test_kubeadm_membership import off, with_hosts

PLANES = ("cp1", "cp2", "cp3")
EVERY = (*PLANES, "w1")
UNFINISHED = "kubernetes-ca: a CA rotation is unfinished"
COMING = Host(name="cp4", address="10.99.0.14", roles=kubeadm.INVENTORY.hosts[0].roles)
NOW = cluster.NOW
Change = Callable[[HostFacts], HostFacts]


def trusting_both(facts: HostFacts) -> HostFacts:
    read = value_of(facts.certificates) or ()
    ca = next(one for one in read if one.role == "kubernetes-ca")
    new = replace(ca, role="kubernetes-ca-next", path=f"{PKI}/ca-next.crt", fingerprint="new", key_path=None)
    return replace(facts, certificates=Known((*read, replace(ca, fingerprint="new"), new), NOW))


def after_the_drop(facts: HostFacts) -> HostFacts:
    read = value_of(facts.certificates) or ()
    changed = (replace(one, fingerprint="new") if one.role == "kubernetes-ca" else one for one in read)
    return replace(facts, certificates=Known(tuple(changed), NOW))


def rotating(**changes: Change) -> ClusterSnapshot:
    """The kubeadm cluster with these changes of hosts; the others trust both CAs."""
    snapshot = certified()
    for name in EVERY:
        snapshot = kubeadm.changed(snapshot, name, changes.get(name, trusting_both))
    return snapshot


def reasons(planned: Plan | Refusal) -> str:
    return "\n".join(planned.reasons) if isinstance(planned, Refusal) else ""


def with_new_host(snapshot: ClusterSnapshot, name: str) -> str:
    """The refusal of a join, or of a replacement of the host `name`."""
    inventory, healthy = with_hosts(COMING)
    snapshot = replace(snapshot, hosts=(*snapshot.hosts, healthy.hosts[-1]))
    planned = plan_replace(snapshot, inventory, name, "cp4") if name else plan_join(snapshot, inventory, "cp4")
    return reasons(planned)


def test_no_host_joins_without_the_new_ca() -> None:
    assert UNFINISHED not in with_new_host(certified(), "")
    text = with_new_host(rotating(), "")
    assert f"{UNFINISHED}, so cp4 would join without the new CA. Finish it" in text
    assert "If cp2 is lost, run remove cp2 first" in with_new_host(rotating(), "cp2")


def test_no_host_joins_a_cluster_of_units_without_the_new_ca() -> None:
    host = msgspec.structs.replace(cluster.INVENTORY.hosts[0], name="cp4", address="10.99.0.14")
    inventory = msgspec.structs.replace(cluster.INVENTORY, hosts=(*cluster.INVENTORY.hosts, host))
    for snapshot, refused in (
        (units.certified(), False),
        (units.certified(bundle=(OLD, NEW), with_successor=True), True),
    ):
        bare = replace(with_hosts(COMING)[1].hosts[-1], roles=host.roles)
        text = reasons(plan_join(replace(snapshot, hosts=(*snapshot.hosts, bare)), inventory, "cp4"))
        assert ("service-account: a CA rotation is unfinished, so cp4 would join" in text) == refused, text


@pytest.mark.parametrize("name", EVERY)
def test_a_host_leaves_while_both_cas_are_trusted(name: str) -> None:
    assert isinstance(plan_remove(rotating(), kubeadm.INVENTORY, name), Plan)


def test_a_lost_host_leaves_in_any_phase_because_the_rotation_needs_it() -> None:
    planned = plan_remove(off(rotating(cp1=after_the_drop), "cp3"), kubeadm.INVENTORY, "cp3")
    assert isinstance(planned, Plan), planned.reasons
    assert isinstance(plan_rejoin(off(rotating(), "cp3"), kubeadm.INVENTORY, "cp3"), Refusal)


def test_the_last_host_that_shows_a_rotation_stays() -> None:
    others = {"cp1": after_the_drop, "cp2": after_the_drop, "w1": after_the_drop}
    text = reasons(plan_remove(rotating(**others), kubeadm.INVENTORY, "cp3"))
    assert text == (
        f"{UNFINISHED}, and only {PKI}/ca-next.crt on cp3 shows it. Finish the rotation first (rotate-certs with "
        "ca = yes)"
    )
    assert isinstance(plan_remove(rotating(**others), kubeadm.INVENTORY, "cp2"), Plan)
    del others["w1"]
    assert isinstance(plan_remove(rotating(**others), kubeadm.INVENTORY, "cp3"), Plan), "the worker shows it too"


def test_a_rotation_with_nothing_left_but_config_maps_is_still_seen_and_finished() -> None:
    """The run ended after the last host had dropped the old CA, and its log is on another machine."""

    def both_files(facts: HostFacts) -> HostFacts:
        last = after_the_drop(trusting_both(facts))
        return replace(last, certificates=Known(tuple(dict.fromkeys(value_of(last.certificates) or ())), NOW))

    snapshot = rotating(**dict.fromkeys(EVERY, both_files))
    leaves = plan_action("rotate-certs", snapshot, kubeadm.INVENTORY, {})
    assert reasons(leaves) == f"{UNFINISHED}; resume it with ca = yes, or undo it with ca = yes, back = yes"
    planned = plan_action("rotate-certs", snapshot, kubeadm.INVENTORY, {"ca": "yes"})
    assert isinstance(planned, Plan), planned.reasons
    ids = {str(step.id) for step in planned.steps}
    assert not [one for one in ids if "-trust@" in one or "-next@" in one], "no further CA"
    assert {"kubernetes.cluster-info-drop@cp1", "kubernetes.authentication-drop@cp1"} <= ids
    assert {f"pki.rotation-end@{name}" for name in EVERY} <= ids


@pytest.mark.parametrize("name", ["join", "remove", "replace"])
def test_the_plan_reads_certificates_because_they_show_a_rotation(name: str) -> None:
    assert find_action(name).certificates
