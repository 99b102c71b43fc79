"""Plans of rotations: certificates replaced, order, checks before and after, and phases derived from files."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import AnyOf, ApiserverReady, BackendsUp, Check, EtcdHealthy, ServerIs, VipOwned
from haconsole.actions.operations import (
    EnsureAuthority,
    IssueCertificate,
    MoveLeader,
    Nothing,
    RunCommand,
    SetServerState,
)
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.errors import UsageError
from haconsole.execution.log.codec import plan_from_json, to_json
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KeepalivedFacts
from tests.fakes.certified import NEW, OLD, certified
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, unreachable

BOTH = (OLD, NEW)


def ended(*roles: str, hosts: tuple[str, ...] = ("cp1", "cp2", "cp3")) -> ClusterSnapshot:
    def end(one: Certificate) -> Certificate:
        mine = not one.is_ca and one.host in hosts and (not roles or one.role in roles)
        return replace(one, not_after=NOW - timedelta(hours=1)) if mine else one

    return certified(change=end)


def plan(snapshot: ClusterSnapshot, *flags: str, **request: str) -> Plan:
    planned = plan_action("rotate-certs", snapshot, INVENTORY, {**dict.fromkeys(flags, "yes"), **request})
    assert isinstance(planned, Plan), planned.reasons
    return planned


def refused(snapshot: ClusterSnapshot, *flags: str, **request: str) -> str:
    planned = plan_action("rotate-certs", snapshot, INVENTORY, {**dict.fromkeys(flags, "yes"), **request})
    assert isinstance(planned, Refusal)
    return "; ".join(planned.reasons)


PLANS = {
    "leaves": plan(certified()),
    "ended": plan(ended()),
    "api-ended": plan(ended("apiserver")),
    "ca": plan(certified(), "ca"),
    "ca-leaves": plan(certified(bundle=BOTH, with_successor=True), "ca", phase="leaves"),
    "ca-drop": plan(certified(bundle=BOTH, with_successor=True, signed_by=NEW), "ca", phase="drop"),
    "ca-back": plan(certified(bundle=BOTH, with_successor=True, signed_by=NEW), "ca", "back"),
}
every_plan = pytest.mark.parametrize("plan_under_test", PLANS.values(), ids=PLANS)


def issues(plan: Plan) -> dict[str, IssueCertificate]:
    return {str(step.id): step.operation for step in plan.steps if isinstance(step.operation, IssueCertificate)}


def place(plan: Plan, *names: str) -> list[int]:
    """The positions of these steps."""
    ids = [str(step.id) for step in plan.steps]
    return [ids.index(name) for name in names]


def flat(checks: tuple[Check, ...]) -> list[Check]:
    return [
        one
        for check in checks
        for one in (
            flat(tuple(c for each in check.alternatives for c in each)) if isinstance(check, AnyOf) else [check]
        )
    ]


@every_plan
def test_ids_are_unique_and_needs_come_before(plan_under_test: Plan) -> None:
    readings: set[str] = set()
    for step in plan_under_test.steps:
        assert step.id not in readings
        assert set(step.needs) <= readings
        readings.add(step.id)


@every_plan
def test_a_plan_survives_its_record_and_holds_no_secret(plan_under_test: Plan) -> None:
    text = json.dumps(to_json(plan_under_test))
    assert plan_from_json(json.loads(text)) == plan_under_test
    assert "PRIVATE KEY-----" not in text


@every_plan
def test_every_change_has_a_verification_and_an_undo(plan_under_test: Plan) -> None:
    for step in plan_under_test.steps:
        if not isinstance(step.operation, Nothing) and not step.id.startswith("kubernetes.take-up"):
            assert step.verification, step.id
            assert step.undo is not None, step.id


@every_plan
def test_an_api_server_is_restarted_only_while_it_is_drained(plan_under_test: Plan) -> None:
    if plan_under_test in (PLANS["ended"], PLANS["api-ended"]):
        return
    drained: set[str] = set()
    for step in plan_under_test.steps:
        match step.operation:
            case SetServerState(server=server, state=state):
                (drained.add if state == "drain" else drained.discard)(server)
            case RunCommand(argv=argv) if "systemctl restart kube-apiserver" in argv[-1]:
                assert step.host in drained, step.id
            case _:
                continue
    assert not drained


@pytest.mark.parametrize("name", ["leaves", "ca", "ca-leaves", "ca-drop", "ca-back"])
def test_whatever_is_restarted_on_a_balancer_its_vips_are_elsewhere(name: str) -> None:
    """The VIPs leave before the first drain or restart of a turn, and return after the last."""
    away: set[str] = set()
    turns = 0
    for step in PLANS[name].steps:
        what = step.id.partition("@")[0]
        if what.startswith("keepalived.hand-over"):
            assert not away, step.id
            away.add(step.host)
            turns += 1
        elif what.startswith("keepalived.stand-again"):
            away.remove(step.host)
        elif "systemctl restart" in _command(step) or what.startswith(("haproxy.drain", "etcd.leader")):
            assert away == {step.host}, step.id
    assert (away, turns) == (set(), {"ca": 9, "ca-back": 6}.get(name, 3))


def test_a_vip_is_handed_over_only_for_what_is_still_to_be_restarted() -> None:
    steps = {str(step.id): step for step in PLANS["leaves"].steps}
    (either,) = steps["keepalived.hand-over-serve@cp1"].verification
    assert isinstance(either, AnyOf)
    handed_over, nothing_to_do = either.alternatives
    assert VipOwned(VIP, (HostName("cp2"), HostName("cp3"))) in handed_over
    restart = steps["kubernetes.kube-apiserver-serve@cp1"]
    assert set(nothing_to_do) == {one for one in restart.verification if not isinstance(one, ApiserverReady)}
    assert steps["keepalived.back-serve@cp1"].verification == (VipOwned(VIP, (HostName("cp1"),)),)
    assert "keepalived.back-serve@cp2" not in steps


def test_lower_priorities_release_the_vips_once_the_host_claims_them_again() -> None:
    ids = [str(step.id) for step in PLANS["leaves"].steps]
    last = ids.index("keepalived.stand-again-serve@cp1")
    assert ids[last + 1 : last + 5] == [
        *("keepalived.stands-serve-cp1@cp1", "keepalived.make-way-serve-cp1@cp2", "keepalived.make-way-serve-cp1@cp3"),
        "keepalived.back-serve@cp1",
    ]
    assert [one for one in ids if one.startswith("keepalived.make-way-serve-cp2")] == [
        "keepalived.make-way-serve-cp2@cp3"
    ]
    assert not [one for one in ids if one.startswith("keepalived.make-way-serve-cp3")]


def test_a_vip_stays_where_no_other_balancer_could_hold_it() -> None:
    alone = plan(changed(changed(certified(), 2, unreachable), 3, unreachable))
    assert not [step for step in alone.steps if step.id.startswith("keepalived.")]
    why = "10.99.0.100 stays on cp1 while drained API servers restart: cp2 cannot be reached; cp3 cannot be reached"
    assert why in alone.summary
    down = Known(KeepalivedFacts("2.2.7", (), forced_down=True), NOW)
    holder = changed(
        changed(certified(), 2, lambda f: replace(f, keepalived=down)), 3, lambda f: replace(f, keepalived=down)
    )
    assert "cp2 has a keepalived down file, so it takes no VIPs: run failback first; cp3" in plan(holder, "ca").summary
    assert "stays on" not in PLANS["ca"].summary


def test_the_host_that_makes_the_next_ca_is_the_first_to_drop_the_older_one() -> None:
    """From then on only its file shows a resumed run that the next CA was made."""
    steps = PLANS["ca"].steps
    drops = next(step.host for step in steps if "-ca-drop@" in step.id)
    assert {step.host for step in steps if isinstance(step.operation, EnsureAuthority)} == {drops}


@pytest.mark.parametrize("name", ["ca", "ca-drop", "ca-back"])
def test_etcd_is_restarted_one_at_a_time_with_leadership_away(name: str) -> None:
    plan = PLANS[name]
    restarts = [step for step in plan.steps if "systemctl restart etcd" in _command(step)]
    assert len(restarts) == (6 if name == "ca" else 3)
    steps = {step.id: step for step in plan.steps}
    for step in restarts:
        assert EtcdHealthy(3) in step.verification
        assert isinstance(step.operation, RunCommand)
        assert step.operation.vips_pause
        (before,) = [need for need in step.needs if isinstance(steps[need].operation, MoveLeader)]
        operation = steps[before].operation
        assert isinstance(operation, MoveLeader)
        assert step.host not in operation.to
    assert restarts[-1].host == "cp1", "the leader, who holds the VIP too, comes last"


@pytest.mark.parametrize(("name", "turns"), [("ca", 9), ("ca-leaves", 3), ("ca-drop", 3), ("ca-back", 6)])
def test_what_steers_the_cluster_is_restarted_with_its_api_server_and_not_beside_it(name: str, turns: int) -> None:
    """Its watches would keep an API server that it outlives from ending."""
    commands = [_command(step) for step in PLANS[name].steps]
    restarts = [one for one in commands if "systemctl restart kube-" in one]
    group = "systemctl restart kube-apiserver.service kube-controller-manager.service kube-scheduler.service"
    assert [group in one for one in restarts] == [True] * turns


def _command(step: Step) -> str:
    return step.operation.argv[-1] if isinstance(step.operation, RunCommand) else ""


def test_every_leaf_is_replaced_by_name_and_nothing_is_restarted_for_it() -> None:
    plan = PLANS["leaves"]
    assert len(issues(plan)) == 30
    assert {one.replaces for one in issues(plan).values()} == {
        f"{name}-{OLD}" for name in (step.removeprefix("pki.") for step in issues(plan))
    }
    assert not [step for step in plan.steps if "systemctl restart etcd" in _command(step)]
    order = place(plan, "pki.etcd-server@cp2", "etcd.gate@cp2", "pki.etcd-server@cp3", "etcd.gate@cp3", "etcd.gate@cp1")
    assert order == sorted(order)


def test_scope_host_and_due_choose() -> None:
    assert set(issues(plan(certified(), scope="etcd", host="cp2"))) == {
        f"pki.{leaf}@cp2" for leaf in ("etcd-server", "etcd-peer", "etcd-client", "apiserver-etcd-client")
    }
    assert refused(certified(), "due") == "nothing is due"
    assert set(issues(plan(ended("admin", hosts=("cp3",)), "due"))) == {"pki.admin@cp3"}

    def short_of_a_name(one: Certificate) -> Certificate:
        return replace(one, sans=one.sans[1:]) if (one.host, one.role) == ("cp2", "apiserver") else one

    assert set(issues(plan(certified(change=short_of_a_name), "due"))) == {"pki.apiserver@cp2"}
    assert "the inventory has no host cp9" in refused(certified(), host="cp9")


def test_expired_components_are_started_without_a_health_check_first() -> None:
    plan = PLANS["ended"]
    assert "stopped etcd and the API servers" in plan.summary
    first = place(plan, "etcd.revive@cp1")[0]
    requests = [one for step in plan.steps[:first] for one in flat(step.precondition + step.verification)]
    assert EtcdHealthy(3) not in requests
    steps = {str(step.id): step for step in plan.steps}
    assert steps["etcd.revive@cp1"].needs == steps["etcd.revive@cp3"].needs
    order = ("pki.etcd-peer@cp3", "etcd.revive@cp1", "pki.apiserver@cp1", "kubernetes.kube-apiserver-revive@cp1")
    assert place(plan, *order) == sorted(place(plan, *order))


def test_one_member_whose_certificates_ended_does_not_stop_the_others() -> None:
    result = plan(ended(hosts=("cp2",)))
    assert "stop" not in result.summary
    assert not [step for step in result.steps if "revive" in step.id]


def test_expired_api_servers_are_started_with_etcd_untouched() -> None:
    plan = PLANS["api-ended"]
    assert "stopped the API servers" in plan.summary
    assert not [step for step in plan.steps if "systemctl restart etcd" in _command(step)]


def test_a_new_ca_is_made_once_and_its_leaves_carry_the_older_ones_word() -> None:
    plan = PLANS["ca"]
    new = [step.operation for step in plan.steps if isinstance(step.operation, EnsureAuthority)]
    assert [one.cert_path for one in new] == [
        "/etc/etcd/pki/ca-next.crt",
        "/etc/kubernetes/pki/ca-next.crt",
        "/etc/kubernetes/pki/front-proxy-ca-next.crt",
    ]
    leaf = issues(plan)["pki.apiserver@cp2"]
    assert (leaf.authority_key_path, leaf.cross_key_path) == (
        "/etc/kubernetes/pki/ca-next.key",
        "/etc/kubernetes/pki/ca.key",
    )
    phases = list(dict.fromkeys(step.phase for step in plan.steps))
    assert phases == ["trust", "leaves", "drop", "verification"]


@pytest.mark.parametrize(
    ("snapshot", "phases"),
    [
        (certified(), "trust leaves drop"),
        (certified(with_successor=True), "trust leaves drop"),
        (certified(bundle=BOTH, with_successor=True), "trust leaves drop"),
        (certified(bundle=BOTH, with_successor=True, signed_by=NEW), "leaves drop"),
        (certified(bundle=(NEW,), with_successor=True, signed_by=NEW), "drop"),
    ],
)
def test_the_remaining_phases_follow_from_the_files(snapshot: ClusterSnapshot, phases: str) -> None:
    if snapshot.hosts[0].token_keys[0].fingerprints == ("sa-new",):
        snapshot = changed(snapshot, 1, lambda _: certified(bundle=BOTH, with_successor=True, signed_by=NEW).hosts[0])
    result = plan(snapshot, "ca")
    assert list(dict.fromkeys(step.phase for step in result.steps))[:-1] == phases.split()


def test_phases_are_refused_before_their_time() -> None:
    assert "some hosts do not trust the new CA or key" in refused(certified(), "ca", phase="leaves")
    halfway = certified(bundle=BOTH, with_successor=True)
    assert "the new CA or key has not signed everything" in refused(halfway, "ca", phase="drop")
    assert "nothing to undo" in refused(certified(), "ca", "back")
    start = certified(bundle=BOTH, with_successor=True, signed_by=NEW)
    drops = changed(start, 2, lambda _: certified(bundle=(NEW,), signed_by=NEW).hosts[1])
    assert "already dropped on a host" in refused(drops, "ca", "back")
    assert "a CA rotation is unfinished" in refused(halfway)


def test_arguments_that_do_not_go_together() -> None:
    for flags, request in (
        (("ca", "due"), {}),
        (("ca",), {"host": "cp1"}),
        (("back",), {}),
        (("ca", "back"), {"phase": "drop"}),
    ):
        with pytest.raises(UsageError):
            plan(certified(), *flags, **request)


def test_a_host_that_does_not_answer_is_left_out_and_named() -> None:
    silent = changed(certified(), 3, unreachable)
    result = plan(silent)
    assert "cp3 cannot be reached and keeps its certificates" in result.summary
    assert {step.host for step in result.steps} == {"cp1", "cp2"}
    for step in result.steps:
        for check in flat(step.precondition + step.verification):
            assert not isinstance(check, BackendsUp) or "cp3" not in check.servers
            assert not isinstance(check, ServerIs) or "cp3" not in check.balancers
        assert not isinstance(step.operation, SetServerState) or "cp3" not in step.operation.balancers
    assert any(EtcdHealthy(3) in step.verification for step in result.steps), "it is a voter all the same"
    assert "cp3 cannot be reached" in refused(silent, host="cp3")


def test_a_ca_is_not_replaced_without_a_host_and_the_way_out_is_named() -> None:
    why = (
        "cp3 cannot be reached: no answer within 10 s. It would reject all new certificates, and other hosts would "
        "reject its old ones; fix it, or remove it first (run remove cp3)"
    )
    start = changed(certified(bundle=BOTH, with_successor=True, signed_by=NEW), 3, unreachable)
    for phase in ("trust", "leaves", "drop"):
        assert refused(start, "ca", phase=phase) == why
    assert refused(start, "ca", "back") == why
    not_begun = changed(certified(), 3, unreachable)
    assert (
        refused(not_begun, "ca")
        == f"{why}; leaves of the other hosts can be replaced without this host: run rotate-certs"
    )


def test_ended_certificates_on_all_that_answer_stop_etcd() -> None:
    result = plan(changed(ended(), 3, lambda facts: unreachable(certified().hosts[2])))
    assert "stopped etcd and the API servers" in result.summary
    assert [str(step.id) for step in result.steps if step.id.startswith("etcd.revive")] == [
        "etcd.revive@cp1",
        "etcd.revive@cp2",
    ]
