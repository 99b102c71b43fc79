"""Balancers that somebody else set up: their files stay as they are, and nothing is claimed that was not done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import CommandSucceeds, VipAnswers, VipOwned
from haconsole.actions.operations import SetServerState, WriteFile
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Plan, Refusal
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import grown
from tests.fakes.cluster import (
    FILES,
    INVENTORY,
    NAMES,
    NOW,
    VIP,
    balancer_files,
    changed,
    foreign,
    healthy,
    server,
    units,
)

Change = Callable[[HostFacts], HostFacts]


def everywhere(change: Change, snapshot: ClusterSnapshot | None = None) -> ClusterSnapshot:
    result = snapshot or healthy()
    return replace(result, hosts=tuple(map(change, result.hosts)))


def owned_by(owner: Owner) -> Change:
    return lambda facts: replace(facts, balancer_files=Known(balancer_files(owner), NOW))


def stopped(facts: HostFacts) -> HostFacts:
    return replace(facts, services=Known(units(keepalived="inactive"), NOW))


def haproxy(*servers: int, backend: str = "apiserverbackend", up: tuple[int, ...] = (1, 2, 3)) -> Change:
    """haproxy as a site has it: servers have names of its own, and the backend too."""
    named = tuple(replace(server(n, "UP" if n in up else "DOWN"), name=f"kube-master-{n}") for n in servers)
    facts = HaproxyFacts("2.6.12", 60, (HaproxyBackend(backend, named),))
    return lambda host: replace(host, haproxy=Known(facts, NOW))


def no_socket(facts: HostFacts) -> HostFacts:
    reason = "haproxy: runs without a stats socket at /run/haproxy/admin.sock"
    return replace(facts, haproxy=Failed(reason, NOW, Cause.NOT_CONFIGURED))


def refused(planned: Plan | Refusal) -> str:
    assert isinstance(planned, Refusal), [step.id for step in planned.steps]
    return "\n".join(planned.reasons)


def planned(action: str, snapshot: ClusterSnapshot, **request: str) -> Plan | Refusal:
    return plan_action(action, snapshot, INVENTORY, request)


@pytest.mark.parametrize("change", [foreign, lambda facts: stopped(foreign(facts))])
@pytest.mark.parametrize(
    ("part", "file"), [(BootstrapPart.KEEPALIVED, FILES[2]), (BootstrapPart.HAPROXY, FILES[0]), (None, FILES[0])]
)
def test_a_file_of_the_sites_own_is_not_replaced_running_or_not(
    change: Change, part: BootstrapPart | None, file: str
) -> None:
    refusal = refused(plan_bootstrap(everywhere(change), INVENTORY, part))
    assert f"{file} on cp1, cp2, cp3 was not written by haconsole, and is not overwritten" in refusal
    assert f"move it away first: mv {file} {file}.before" in refusal


def test_a_stopped_service_is_started_not_replaced() -> None:
    refusal = refused(plan_bootstrap(changed(everywhere(foreign), 2, stopped), INVENTORY, BootstrapPart.KEEPALIVED))
    assert "keepalived is stopped on cp2: start it there (systemctl start keepalived)" in refusal


def test_the_other_parts_can_be_set_up_beside_foreign_balancers() -> None:
    snapshot = everywhere(foreign)
    assert "only = etcd or only = kubernetes" in refused(plan_bootstrap(snapshot, INVENTORY))
    assert isinstance(plan_bootstrap(snapshot, INVENTORY, BootstrapPart.KUBERNETES), Plan)


def test_a_file_that_was_changed_since_it_was_written_stays() -> None:
    refusal = refused(plan_bootstrap(changed(healthy(), 3, owned_by(Owner.CHANGED)), INVENTORY))
    assert f"{FILES[0]} on cp3 was changed since haconsole wrote it, and is not overwritten" in refusal


def test_a_file_that_could_not_be_read_stays() -> None:
    unread: Observed[tuple[ManagedFile, ...]] = Failed("cp2: sudo: a password is required", NOW, Cause.SUDO_REFUSED)
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, balancer_files=unread))
    refusal = refused(plan_bootstrap(snapshot, INVENTORY, BootstrapPart.HAPROXY))
    assert f"{FILES[0]} on cp2 is possibly not haconsole's: it could not be read (cp2: sudo: a password" in refusal


def test_a_vip_stays_while_it_is_unknown_whether_a_check_heeds_the_down_file() -> None:
    unread: Observed[tuple[ManagedFile, ...]] = Failed("cp2: no answer within 6 s", NOW, Cause.TIMED_OUT)
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, balancer_files=unread))
    refusal = refused(plan_action("failover", snapshot, INVENTORY, {}))
    assert "the balancer on cp2 may ignore the down file" in refusal
    assert "is not set up by haconsole" not in refusal


@pytest.mark.parametrize("owner", [Owner.OURS, Owner.PACKAGE, Owner.ABSENT])
def test_own_files_and_those_of_the_package_are_replaced(owner: Owner) -> None:
    assert isinstance(plan_bootstrap(everywhere(owned_by(owner)), INVENTORY), Plan)


def test_every_write_of_a_balancers_file_looks_at_its_owner_first() -> None:
    plan = plan_bootstrap(healthy(), INVENTORY)
    assert isinstance(plan, Plan)
    writes = [one for one in plan.steps if isinstance(one.operation, WriteFile) and one.operation.path in FILES]
    assert {one.operation.path for one in writes if isinstance(one.operation, WriteFile)} == set(FILES)
    for step in writes:
        (check,) = step.precondition
        assert isinstance(check, CommandSucceeds)
        assert isinstance(step.operation, WriteFile)
        assert check.argv[-2:] == ("lab", step.operation.path)


def test_keepalived_is_not_set_up_beside_a_haproxy_that_its_check_cannot_query() -> None:
    files = tuple(
        replace(file, owner=Owner.FOREIGN if file.path == FILES[0] else Owner.ABSENT)
        for file in balancer_files(Owner.OURS)
    )
    snapshot = everywhere(lambda facts: replace(facts, balancer_files=Known(files, NOW)))
    assert "keepalived's check queries haproxy's health port 8404" in refused(
        plan_bootstrap(snapshot, INVENTORY, BootstrapPart.KEEPALIVED)
    )


@pytest.mark.parametrize(("action", "request_"), [
    ("join", {"host": "cp4"}),
    ("replace", {"old": "cp2", "new": "cp4"}),
    ("remove", {"host": "cp2"}),
])  # fmt: skip
def test_hosts_do_not_come_and_go_over_foreign_files(action: str, request_: dict[str, str]) -> None:
    inventory = grown.inventory(4)
    snapshot = grown.snapshot(inventory, tuple(grown.listed(n) for n in (1, 2, 3)))
    assert isinstance(plan_action(action, snapshot, inventory, request_), Plan)
    refusal = refused(plan_action(action, changed(snapshot, 3, foreign), inventory, request_))
    assert f"{FILES[0]} on cp3 was not written by haconsole" in refusal
    assert f"{FILES[2]} on cp3 was not written by haconsole" in refusal


@pytest.mark.parametrize("change", [foreign, owned_by(Owner.CHANGED)])
@pytest.mark.parametrize("n", [1, 2])
def test_a_vip_is_not_moved_where_the_down_file_is_not_heeded(change: Change, n: int) -> None:
    refusal = refused(planned("failover", changed(healthy(), n, change)))
    assert f"not set up the balancer on cp{n}, so keepalived's check there ignores the down file" in refusal
    assert "to move 10.99.0.100 by hand, stop keepalived on cp1" in refusal


def test_a_third_balancer_that_is_foreign_does_not_hinder_a_failover() -> None:
    assert isinstance(planned("failover", changed(healthy(), 3, foreign)), Plan)


@pytest.mark.parametrize(("action", "state"), [("drain", AdminState.DRAIN), ("ready", AdminState.READY)])
def test_a_server_is_found_by_its_address(action: str, state: AdminState) -> None:
    plan = planned(action, everywhere(haproxy(1, 2, 3)), host="cp2")
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    at = ("10.99.0.12:6443",)
    assert step.operation == SetServerState("apiserverbackend", "kube-master-2", state, NAMES, at, may_lack=False)


@pytest.mark.parametrize("action", ["drain", "ready"])
def test_a_server_that_no_balancer_has_is_refused(action: str) -> None:
    refusal = refused(planned(action, everywhere(haproxy(1, 3)), host="cp2"))
    assert "no backend of haproxy on cp1, cp2, cp3 has a server at 10.99.0.12:6443" in refusal


@pytest.mark.parametrize("action", ["drain", "ready"])
def test_a_haproxy_that_cannot_be_queried_is_refused(action: str) -> None:
    refusal = refused(planned(action, changed(healthy(), 2, no_socket), host="cp1"))
    assert "cp2: haproxy cannot be queried for cp1's API server" in refusal
    assert "stats socket PATH mode 600 level admin" in refusal


def test_the_guard_for_the_last_server_finds_it_by_address() -> None:
    refusal = refused(planned("drain", changed(healthy(), 3, haproxy(1, 2, 3, up=(1,))), host="cp1"))
    assert "only cp1's API server is up in haproxy on cp3" in refusal


def test_a_balancer_that_lacks_the_server_is_named() -> None:
    plan = planned("drain", changed(healthy(), 3, haproxy(1, 3)), host="cp2")
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step.operation, SetServerState)
    assert step.operation.balancers == (HostName("cp1"), HostName("cp2"))
    assert plan.summary == "haproxy on cp3 has no server at 10.99.0.12:6443 (cp2)"


@pytest.mark.parametrize("part", [BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED])
def test_a_run_that_touches_balancers_sees_the_vip_owned_and_the_api_answer(part: BootstrapPart) -> None:
    plan = plan_bootstrap(healthy(), INVENTORY, part)
    assert isinstance(plan, Plan)
    checks = {check for step in plan.steps if step.phase == "verification" for check in step.verification}
    assert {VipOwned(VIP), VipAnswers("10.99.0.100:8443")} <= checks
    ids = {step.id for step in plan.steps}
    assert all(need in ids for step in plan.steps for need in step.needs)
    last = next(step for step in plan.steps if step.id == "verify.vip-10.99.0.100@cp1")
    assert {f"{part}.start@cp{n}" for n in (1, 2, 3)} <= set(last.needs)


@pytest.mark.parametrize("part", [BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED])
def test_no_answer_is_expected_before_there_is_an_api_server(part: BootstrapPart) -> None:
    snapshot = everywhere(lambda facts: replace(facts, services=Known((), NOW)))
    plan = plan_bootstrap(snapshot, INVENTORY, part)
    assert isinstance(plan, Plan)
    assert not [step for step in plan.steps if step.phase == "verification"]
