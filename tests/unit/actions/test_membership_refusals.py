"""Every guard of join, remove and replace: the sum where there is one, and the way out."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.membership.plan import plan_join, plan_remove, plan_remove_member, plan_replace
from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import Inventory
from haconsole.model.etcd import EtcdAlarm, EtcdMember
from haconsole.model.hosts import Role
from haconsole.model.names import MemberId
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KeepalivedFacts
from tests.fakes import grown
from tests.fakes.cluster import NOW

FIVE, THREE, ETCD = grown.inventory(5), grown.inventory(3), grown.inventory(5, kubernetes=False)
WITH_WORKER = grown.inventory(4, fourth=(Role.WORKER,))
WITH_BASTION = grown.inventory(4, fourth=(Role.BASTION,))
SIX = grown.inventory(6, kubernetes=False)


def voters(*numbers: int) -> tuple[EtcdMember, ...]:
    return tuple(grown.listed(n) for n in numbers)


def snapshot_of(
    inventory: Inventory = FIVE,
    members: tuple[EtcdMember, ...] | None = None,
    *,
    down: tuple[int, ...] = (),
    off: tuple[int, ...] = (),
) -> ClusterSnapshot:
    return grown.snapshot(inventory, members or voters(1, 2, 3), down=down, off=off)


def reasons(planned: Plan | Refusal) -> str:
    assert isinstance(planned, Refusal)
    return "\n".join(planned.reasons)


REFUSED: dict[str, tuple[Callable[[], Plan | Refusal], str]] = {
    "a host that is not in the inventory": (
        lambda: plan_join(snapshot_of(), FIVE, "cp9"),
        "- {name: cp9, address: ADDRESS, roles: [etcd, control-plane, load-balancer]}",
    ),
    "a worker to join": (
        lambda: plan_join(snapshot_of(WITH_WORKER), WITH_WORKER, "cp4"),
        (
            "cp4 is a worker, which haconsole only observes. To add the worker, use Kubernetes' own tools: let "
            "the kubelet of this host join through https://10.99.0.100:8443 (kubeadm join 10.99.0.100:8443, or "
            "a kubeconfig for that address)"
        ),
    ),
    "a worker to leave": (
        lambda: plan_remove(snapshot_of(WITH_WORKER), WITH_WORKER, "cp4"),
        (
            "To remove the worker, use Kubernetes' own tools: kubectl drain cp4 --ignore-daemonsets, then "
            "kubectl delete node cp4, then remove its lines from the inventory"
        ),
    ),
    "a bastion": (
        lambda: plan_remove(snapshot_of(WITH_BASTION), WITH_BASTION, "cp4"),
        "cp4 is a bastion, which runs no part of the cluster: to add or remove it, only edit the inventory",
    ),
    "an unhealthy member elsewhere": (
        lambda: plan_join(snapshot_of(down=(2,)), FIVE, "cp4"),
        (
            "etcd member cp2 on cp2 is not healthy (connection refused): 3 voters, 2 needed, 2 healthy: can lose 0; "
            "fix it, or remove it first (run remove cp2)"
        ),
    ),
    "a host that must follow cannot be reached": (
        lambda: plan_join(snapshot_of(off=(2,)), FIVE, "cp4"),
        (
            "cp2 cannot be reached: no answer within 10 s; files on cp2 must change too: repair the host, or remove it "
            "first (run remove cp2)"
        ),
    ),
    "the joiner cannot be reached": (lambda: plan_join(snapshot_of(off=(4,)), FIVE, "cp4"), "cp4 cannot be reached"),
    "the quorum would be lost": (
        lambda: plan_remove(snapshot_of(ETCD, down=(3,)), ETCD, "cp2"),
        (
            "without cp2 the quorum would be lost: now 3 voters, 2 needed, 2 healthy: can lose 0; then 2 voters, "
            "2 needed, 1 healthy: 1 short of quorum; start or replace the failed members first"
        ),
    ),
    "the quorum is lost": (
        lambda: plan_remove(snapshot_of(ETCD, down=(2, 3)), ETCD, "cp3"),
        "etcd has lost its quorum (3 voters, 2 needed, 1 answering: 1 short of quorum)",
    ),
    "nobody answers": (
        lambda: plan_join(snapshot_of(ETCD, down=(1, 2, 3)), ETCD, "cp4"),
        "no etcd member answers, so the member list is unknown",
    ),
    "an unstarted member waits": (
        lambda: plan_join(snapshot_of(ETCD, (*voters(1, 2, 3), grown.listed(4, started=False))), ETCD, "cp5"),
        (
            "member a4 on cp4 was added and never started: finish its join (run join cp4) or remove the member (run "
            "remove with member-id = a4); only one change at a time"
        ),
    ),
    "a learner waits": (
        lambda: plan_remove(snapshot_of(ETCD, (*voters(1, 2, 3), grown.listed(4, learner=True))), ETCD, "cp3"),
        "member a4 on cp4 does not vote yet",
    ),
    "a name that is there twice": (
        lambda: plan_join(snapshot_of(ETCD, (*voters(1, 2, 3), grown.ghost(name="cp4"))), ETCD, "cp4"),
        (
            "etcd already has a member cp4, bad at https://10.99.0.99:2380: give cp4 another etcd_name, or remove "
            "that member first (run remove with member-id = bad)"
        ),
    ),
    "a member that has run and does not answer": (
        lambda: plan_join(snapshot_of(ETCD, voters(1, 2, 3, 4), down=(4,)), ETCD, "cp4"),
        (
            "cp4 is already member a4, which was started before and does not answer now (connection refused): "
            "start etcd there; if its data is lost, run remove cp4 first"
        ),
    ),
    "no learners": (
        lambda: plan_join(refusal_of(snapshot_of(ETCD), version="3.3.25"), ETCD, "cp4"),
        "etcd 3.3.25 has no learners: upgrade the members to 3.4 or newer first",
    ),
    "an upgrade under way": (
        lambda: plan_join(refusal_of(snapshot_of(ETCD), version="3.5.9", only=2), ETCD, "cp4"),
        "the members run different versions (3.4.23, 3.5.9): finish the upgrade before another one joins",
    ),
    "an alarm": (
        lambda: plan_join(refusal_of(snapshot_of(ETCD), alarm="NOSPACE", only=1), ETCD, "cp4"),
        "cp1 has raised the alarm NOSPACE, which blocks writes",
    ),
    "another cluster": (
        lambda: plan_join(refusal_of(snapshot_of(ETCD), cluster="c2", only=3), ETCD, "cp4"),
        "the hosts belong to different etcd clusters (c1, c2)",
    ),
    "the last of all roles": (
        lambda: plan_remove(snapshot_of(grown.inventory(1), voters(1)), grown.inventory(1), "cp1"),
        "cp1 is the last control plane: no API server would be left; join another one first",
    ),
    "the last balancer": (
        lambda: plan_remove(snapshot_of(grown.inventory(1), voters(1)), grown.inventory(1), "cp1"),
        "cp1 is the last load balancer",
    ),
    "the last member": (lambda: plan_remove(snapshot_of(ETCD, voters(1)), ETCD, "cp1"), "cp1 is the last etcd member"),
    "a host that nobody knows": (
        lambda: plan_remove(snapshot_of(THREE, (*voters(1, 2, 3), grown.ghost())), THREE, "old"),
        (
            "the inventory has no host old; a member on an unknown host is removed by its ID: run remove "
            "with member-id = ID (old is bad)"
        ),
    ),
    "an ID that is absent": (
        lambda: plan_remove_member(snapshot_of(ETCD), ETCD, "0xBEEF"),
        "etcd lists no member 0xBEEF; its members are: a1 (cp1), a2 (cp2), a3 (cp3)",
    ),
    "an ID while nobody answers": (
        lambda: plan_remove_member(snapshot_of(ETCD, down=(1, 2, 3)), ETCD, "a2"),
        "no etcd member answers, so the member list is unknown",
    ),
    "an ID that is a host's": (lambda: plan_remove_member(snapshot_of(ETCD), ETCD, "a2"), "run remove cp2"),
    "itself for itself": (lambda: plan_replace(snapshot_of(), FIVE, "cp2", "cp2"), "cp2 cannot replace itself"),
    "fewer roles": (
        lambda: plan_replace(snapshot_of(mixed()), mixed(), "cp2", "cp5"),
        "cp5 lacks roles of cp2: control-plane, load-balancer",
    ),
    "two ill ones": (
        lambda: plan_replace(snapshot_of(SIX, voters(1, 2, 3, 4, 5), down=(3,), off=(2,)), SIX, "cp2", "cp6"),
        "etcd member cp3 on cp3 is not healthy",
    ),
}


def mixed() -> Inventory:
    """cp5 has only the role etcd."""
    hosts = tuple(
        msgspec.structs.replace(host, roles=(Role.ETCD,)) if host.name == "cp5" else host for host in FIVE.hosts
    )
    return msgspec.structs.replace(FIVE, hosts=hosts)


def refusal_of(
    snapshot: ClusterSnapshot,
    *,
    version: str | None = None,
    alarm: str | None = None,
    cluster: str | None = None,
    only: int | None = None,
) -> ClusterSnapshot:
    """Every member, or only one, reports another version, alarm or cluster."""
    hosts = []
    for number, facts in enumerate(snapshot.hosts, 1):
        endpoint = value_of(facts.etcd)
        if endpoint is None or only not in (None, number):
            hosts.append(facts)
            continue
        alarms = (EtcdAlarm(MemberId(f"a{number}"), alarm),) if alarm else ()
        other = replace(
            endpoint,
            version=version or endpoint.version,
            cluster_id=cluster or endpoint.cluster_id,
            alarms=alarms,
        )
        hosts.append(replace(facts, etcd=Known(other, NOW)))
    return replace(snapshot, hosts=tuple(hosts))


@pytest.mark.parametrize("guard", REFUSED)
def test_guards(guard: str) -> None:
    make, words = REFUSED[guard]
    assert words in reasons(make())


def test_a_dead_host_may_go_while_another_is_ill() -> None:
    planned = plan_remove(snapshot_of(ETCD, voters(1, 2, 3, 4, 5), off=(4, 5)), ETCD, "cp5")
    assert isinstance(planned, Plan), planned.reasons
    assert "cp4 cannot be reached and keeps its older configuration" in planned.summary


@pytest.mark.parametrize(("voting", "words"), [(1, "2 voters tolerate no more failures than 1"), (3, "4 voters")])
def test_an_even_number_is_in_the_summary(voting: int, words: str) -> None:
    planned = plan_join(snapshot_of(ETCD, voters(*range(1, voting + 1))), ETCD, f"cp{voting + 1}")
    assert isinstance(planned, Plan), planned.reasons
    assert words in planned.summary


def test_shrinking_to_one_is_possible() -> None:
    planned = plan_remove(snapshot_of(ETCD, voters(1, 2)), ETCD, "cp1")
    assert isinstance(planned, Plan), planned.reasons


def test_a_join_that_was_cut_off_after_the_list_goes_on() -> None:
    waiting = grown.listed(4, started=False, learner=True)
    planned = plan_join(snapshot_of(ETCD, (*voters(1, 2, 3), waiting)), ETCD, "cp4")
    assert isinstance(planned, Plan), planned.reasons
    assert any(step.id == "etcd.promote@cp4" for step in planned.steps)


def test_a_member_that_never_started_is_removed_by_its_id() -> None:
    waiting = grown.listed(4, started=False, learner=True)
    planned = plan_remove_member(snapshot_of(ETCD, (*voters(1, 2, 3), waiting)), ETCD, "a4")
    assert isinstance(planned, Plan), planned.reasons


def test_nobody_is_called_the_last_while_the_members_are_not_known() -> None:
    output = reasons(plan_remove(snapshot_of(ETCD, down=(1, 2, 3)), ETCD, "cp2"))
    assert output == "no etcd member answers, so the member list is unknown: fix etcd first, or restore it"


def test_a_vip_is_not_taken_from_the_only_balancer_that_may_hold_it() -> None:
    """After a failover the others are held down: with its holder gone nobody would take it."""
    standing, down = snapshot_of(), Known(KeepalivedFacts("2.2.7", (), forced_down=True), NOW)
    hosts = tuple(one if one.host == "cp1" else replace(one, keepalived=down) for one in standing.hosts)
    moved = replace(standing, hosts=hosts)
    assert reasons(plan_remove(moved, THREE, "cp1")) == (
        "cp1 holds 10.99.0.100, and no remaining balancer can take it: cp2 has a keepalived down file, so it takes "
        "no VIPs: run failback first; cp3 has a keepalived down file, so it takes no VIPs: run failback first"
    )
    assert isinstance(plan_remove(moved, THREE, "cp2"), Plan)
