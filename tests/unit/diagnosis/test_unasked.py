"""A question that could not be queried is one finding about the probe, and reports nothing about the component."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Finding
from haconsole.model.hosts import HostFacts, Reach
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import Pressure, SystemFacts
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy

NEEDS_ROOT = ("keepalived", "haproxy", "balancer_files", "lock")
APIS = ("etcd", "apiserver")


def findings_of(snapshot: ClusterSnapshot) -> tuple[Finding, ...]:
    return diagnose(snapshot, INVENTORY, NOW)


def failed(cause: Cause, *asked_from: str) -> Failed[Any]:
    return Failed(f"cp2: {cause}", NOW, cause, asked_from=asked_from)


def with_failures(*facts: str, cause: Cause) -> Callable[[HostFacts], HostFacts]:
    changes: dict[str, Any] = {fact: failed(cause) for fact in facts}
    return lambda host: replace(host, **changes)


def queried_by_peers(cause: Cause, *facts: str) -> Callable[[HostFacts], HostFacts]:
    """Its peers queried these components, since its own host could not."""

    def change(host: HostFacts) -> HostFacts:
        answers: dict[str, Any] = {
            fact: replace(getattr(host, fact), via="cp1", direct=failed(cause)) for fact in facts
        }
        return replace(host, **answers)

    return change


def sudo_refused(host: HostFacts) -> HostFacts:
    return queried_by_peers(Cause.SUDO_REFUSED, *APIS)(with_failures(*NEEDS_ROOT, cause=Cause.SUDO_REFUSED)(host))


def ssh_stopped(host: HostFacts) -> HostFacts:
    facts = ("reach", "clock_offset_ms", "addresses", "services", "disks", *NEEDS_ROOT)
    return queried_by_peers(Cause.REFUSED, *APIS)(with_failures(*facts, cause=Cause.REFUSED)(host))


FAULTS: dict[str, tuple[Callable[[HostFacts], HostFacts], str, str]] = {
    "sudo queries for a password": (sudo_refused, "probe.failed", "sudo refuses the SSH user"),
    "sudo refused, and no peer could query": (
        with_failures(*NEEDS_ROOT, *APIS, cause=Cause.SUDO_REFUSED),
        "probe.failed",
        "sudo refuses the SSH user",
    ),
    "sshd stopped": (ssh_stopped, "host.unreachable", "refused"),
    "noise at login": (with_failures("clock_offset_ms", cause=Cause.UNREADABLE), "probe.failed", "cannot be read"),
    "a program is missing": (
        with_failures("addresses", cause=Cause.NOT_INSTALLED),
        "probe.failed",
        "a program is missing",
    ),
    "the stats socket is closed": (
        with_failures("haproxy", cause=Cause.NOT_RUNNING),
        "probe.failed",
        "a socket is closed",
    ),
    "expired admin certificate": (
        queried_by_peers(Cause.AUTH_FAILED, "apiserver"),
        "probe.failed",
        "a certificate is refused",
    ),
    "401, and no peer could query": (
        lambda host: replace(host, apiserver=failed(Cause.AUTH_FAILED, "cp2")),
        "probe.failed",
        "a certificate is refused",
    ),
    "one late answer": (with_failures("disks", cause=Cause.TIMED_OUT), "probe.failed", "no answer in time"),
    "everything late": (
        with_failures("clock_offset_ms", "services", "addresses", *NEEDS_ROOT, *APIS, cause=Cause.TIMED_OUT),
        "host.slow",
        "is slow",
    ),
    "few sessions": (
        lambda host: replace(host, reach=Known(Reach(40.0, sessions_refused=3), NOW)),
        "probe.failed",
        "sshd opens no further session",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_probe_is_one_finding_that_names_host_and_cause(fault: str) -> None:
    change, code, words = FAULTS[fault]
    (finding,) = findings_of(changed(healthy(), 2, change))
    assert (finding.code, finding.subject) == (code, "cp2")
    assert words in finding.summary
    assert "cp2" in finding.summary


@pytest.mark.parametrize("fault", FAULTS)
def test_a_real_fault_on_another_host_is_still_found(fault: str) -> None:
    change, code, _ = FAULTS[fault]
    snapshot = changed(changed(healthy(), 2, change), 3, etcd_silent)
    assert {finding.code for finding in findings_of(snapshot)} == {code, "etcd.member-down"}


def test_a_lost_tolerance_is_not_claimed_while_a_member_could_not_be_queried() -> None:
    snapshot = changed(healthy(), 2, with_failures("etcd", cause=Cause.SUDO_REFUSED))
    text = "\n".join(line for finding in findings_of(snapshot) for line in (finding.summary, *finding.evidence))
    assert "one more lost member" not in text


def test_a_member_that_cannot_be_queried_is_down_where_its_own_host_reports_that() -> None:
    stopped = replace(cluster.host(2), services=Known(cluster.units(etcd="inactive"), NOW), etcd=failed(Cause.OTHER))
    (finding,) = findings_of(changed(healthy(), 2, lambda _: stopped))
    assert (finding.code, finding.subject) == ("etcd.member-down", "cp2")


def test_a_component_that_gives_no_answer_is_hung_and_not_down() -> None:
    late = failed(Cause.TIMED_OUT, "cp2", "cp1")
    (finding,) = findings_of(changed(healthy(), 2, lambda host: replace(host, etcd=late)))
    assert (finding.code, finding.subject) == ("service.hung", "etcd@cp2")
    assert any("queried from cp2 and cp1" in line for line in finding.evidence)
    assert "etcd stops if one more member fails" in finding.evidence


@pytest.mark.parametrize(("age_s", "first"), [(8, "wait"), (90, "restart")])
def test_a_process_that_was_started_a_moment_ago_is_not_restarted(age_s: int, first: str) -> None:
    """As after a host's reboot: an API server listens before it answers."""
    units = tuple(
        replace(one, started=NOW - timedelta(seconds=age_s)) if one.name == "kube-apiserver" else one
        for one in cluster.units()
    )
    late = failed(Cause.TIMED_OUT, "cp2", "cp1")
    (finding,) = findings_of(
        changed(healthy(), 2, lambda host: replace(host, apiserver=late, services=Known(units, NOW)))
    )
    assert (finding.code, finding.subject) == ("service.hung", "kube-apiserver@cp2")
    assert finding.remedies[0].text.startswith(first)
    assert (f"{age_s} s ago" in finding.summary) is (first == "wait")


@pytest.mark.parametrize(("share", "code"), [(95.0, "host.slow"), (20.0, "service.hung")])
def test_one_late_answer_is_the_hosts_while_its_tasks_wait_most_of_the_time(share: float, code: str) -> None:
    system = SystemFacts("cp2", "m2", 3.0, 2, Pressure(cpu=share))
    late = failed(Cause.TIMED_OUT, "cp2", "cp1")
    snapshot = changed(healthy(), 2, lambda host: replace(host, apiserver=late, system=Known(system, NOW)))
    assert [one.code for one in findings_of(snapshot)] == [code]


def test_a_handshake_that_an_overloaded_host_breaks_off_is_late() -> None:
    def lost_on(share: float) -> ClusterSnapshot:
        system = SystemFacts("cp2", "m2", 3.0, 2, Pressure(cpu=share))
        change = queried_by_peers(Cause.CONNECTION_LOST, "etcd")
        return changed(healthy(), 2, lambda host: replace(change(host), system=Known(system, NOW)))

    assert [one.code for one in findings_of(lost_on(95.0))] == ["host.slow"]
    assert [one.code for one in findings_of(lost_on(20.0))] == ["probe.failed"]


def test_all_hosts_late_at_once_is_one_finding_and_no_lost_quorum() -> None:
    late = ("clock_offset_ms", "services", *NEEDS_ROOT)
    snapshot = healthy()
    for n in (1, 2, 3):
        silent = failed(Cause.TIMED_OUT, "cp1", "cp2")
        snapshot = changed(
            snapshot,
            n,
            lambda host, silent=silent: replace(  # type: ignore[misc]
                with_failures(*late, cause=Cause.TIMED_OUT)(host), etcd=silent, apiserver=silent
            ),
        )
    (finding,) = findings_of(snapshot)
    assert (finding.code, finding.subject) == ("host.slow", "this machine")
    assert "cp2 is slow" in "".join(finding.evidence)


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("cert.expired", {"not_after": NOW}),
        ("cert.not-yet-valid", {"not_before": NOW + timedelta(days=1)}),
        ("cert.wrong-usage", {"missing_usages": ("client",)}),
        ("cert.san-missing", {"missing_names": ("IP:10.99.0.11",)}),
    ],
)
def test_a_wrong_certificate_explains_the_refusal(code: str, fields: dict[str, Any]) -> None:
    from tests.unit.diagnosis.test_remedies import certificate

    expired = certificate("admin", **fields).hosts[0].certificates
    refused = queried_by_peers(Cause.AUTH_FAILED, "apiserver")
    (finding,) = findings_of(changed(healthy(), 1, lambda host: refused(replace(host, certificates=expired))))
    assert (finding.code, finding.subject) == (code, "cp1:/c.crt")


@pytest.mark.parametrize(
    ("fault", "action"), [("expired admin certificate", "bootstrap"), ("few sessions", "repair"), ("sshd stopped", "")]
)
def test_the_first_remedy_is_an_action_where_haconsole_can_change_the_cause(fault: str, action: str) -> None:
    (finding,) = findings_of(changed(healthy(), 2, FAULTS[fault][0]))
    first = finding.remedies[0]
    assert (first.action if isinstance(first, ActionCall) else "") == action


def test_a_member_without_a_leader_has_a_finding() -> None:
    isolated = Known(cluster.endpoint(2, leader=None, healthy=False), NOW)
    (finding,) = findings_of(changed(healthy(), 2, lambda host: replace(host, etcd=isolated)))
    assert (finding.code, finding.subject) == ("etcd.member-unhealthy", "cp2")
    assert "etcd stops if one more member fails" in finding.evidence


def test_the_clock_source_is_evidence_of_a_slow_host_and_of_a_wrong_clock() -> None:
    def with_clock(source: str, host: HostFacts) -> HostFacts:
        return replace(host, system=Known(SystemFacts("cp2", "m2", clocksource=source), NOW))

    late = with_failures("disks", *NEEDS_ROOT, cause=Cause.TIMED_OUT)
    for source, output in (("hpet", True), ("tsc", False)):
        (finding,) = findings_of(changed(healthy(), 2, lambda host, source=source: with_clock(source, late(host))))  # type: ignore[misc]
        assert any("clock source" in line for line in finding.evidence) is output
    skewed = changed(healthy(), 2, lambda host: replace(with_clock("tsc", host), clock_offset_ms=Known(9000.0, NOW)))
    (finding,) = findings_of(skewed)
    assert "the host's clock source is tsc" in finding.evidence


@pytest.mark.parametrize("words", ["sh: 1: ip: not found", "bash: line 1: ip: command not found"])
def test_a_missing_program_of_every_host_is_installed_again(words: str) -> None:
    missing: Failed[Any] = Failed(f"addresses: {words}", NOW, Cause.NOT_INSTALLED)
    (finding,) = findings_of(changed(healthy(), 2, lambda host: replace(host, addresses=missing)))
    first = finding.remedies[0]
    assert isinstance(first, ActionCall)
    assert (first.action, first.request["hosts"]) == ("prepare", "cp2")


def test_a_missing_program_without_a_known_package_is_for_a_person() -> None:
    missing: Failed[Any] = Failed("addresses: sh: 1: ipx: not found", NOW, Cause.NOT_INSTALLED)
    (finding,) = findings_of(changed(healthy(), 2, lambda host: replace(host, addresses=missing)))
    assert not isinstance(finding.remedies[0], ActionCall)


def test_locks_that_could_not_be_read_are_named_where_nothing_else_explains_it() -> None:
    late: Failed[Any] = Failed("leases: no answer within 6 s", NOW, Cause.TIMED_OUT)
    unknown = replace(healthy(), leases=late)
    (finding,) = findings_of(unknown)
    assert (finding.code, finding.subject) == ("probe.failed", "leases")
    assert finding.evidence == (late.reason,)
    down = changed(unknown, 2, etcd_silent)
    assert [one.code for one in findings_of(down)] == ["etcd.member-down"]
