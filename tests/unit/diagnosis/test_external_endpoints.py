"""The view of an etcd outside the inventory, its findings, and how it is shown."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from haconsole.cli.reports.status import status_report
from haconsole.diagnosis.diagnose import diagnose
from haconsole.inventory.external_etcd import ExternalEtcd
from haconsole.inventory.schema import Etcd, Inventory
from haconsole.model.certificate import Certificate
from haconsole.model.etcd import EtcdAlarm, EtcdEndpoint, ExternalEndpoint
from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import ActionCall, Advice, Finding, Health, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known, Observed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.details.etcd import about_member
from haconsole.present.etcd import etcd_table
from tests.fakes import kubeadm
from tests.fakes.cluster import NOW, healthy
from tests.fakes.kubeadm_certificates import ended

URLS = tuple(f"https://10.99.0.1{number}:2379" for number in (1, 2, 3))


def inventory() -> Inventory:
    external = ExternalEtcd(endpoints=URLS, ca_cert="/ca", client_cert="/crt", client_key="/key")
    hosts = tuple(msgspec.structs.replace(host, roles=without_etcd(host.roles)) for host in kubeadm.INVENTORY.hosts)
    return msgspec.structs.replace(kubeadm.INVENTORY, hosts=hosts, etcd=Etcd(external=external))


def without_etcd(roles: tuple[Role, ...]) -> tuple[Role, ...]:
    return tuple(role for role in roles if role is not Role.ETCD)


def outside(*reports: Observed[EtcdEndpoint]) -> ClusterSnapshot:
    """A healthy kubeadm cluster whose members answer at their endpoints only; `reports` replace the last ones."""
    own = [facts.etcd for facts in healthy().hosts]
    facts = [*own[: len(own) - len(reports)], *reports]
    endpoints = tuple(ExternalEndpoint(url, fact) for url, fact in zip(URLS, facts, strict=True))
    hosts = tuple(replace(one, roles=without_etcd(one.roles), etcd=NOT_ASKED) for one in kubeadm.healthy().hosts)
    return replace(kubeadm.healthy(), hosts=hosts, external_etcd=endpoints)


def silent(cause: Cause = Cause.TIMED_OUT) -> Failed[EtcdEndpoint]:
    return Failed("cp1: etcd at https://10.99.0.13:2379: no answer within 6 s", NOW, cause)


def findings(snapshot: ClusterSnapshot) -> list[Finding]:
    return [one for one in diagnose(snapshot, inventory(), NOW) if one.code.startswith("etcd.")]


def last_report(**changes: object) -> Known[EtcdEndpoint]:
    endpoint = value_of(healthy().hosts[2].etcd)
    assert endpoint is not None
    return Known(replace(endpoint, **changes), NOW)


def test_its_members_are_shown_without_hosts() -> None:
    snapshot = outside()
    view = etcd_view(snapshot)
    assert [(row.host, row.healthy) for row in view.members] == [(None, True)] * 3
    assert view.quorum is not None
    assert (view.quorum.voters, view.quorum.healthy) == (3, 3)
    table = etcd_table(snapshot)
    assert [row.cells[2].text for row in table.rows] == ["● healthy"] * 3
    detail = str(about_member(snapshot, view.members[0].member.id, NOW))
    assert "outside the inventory" in detail
    assert f"Report of etcd at {URLS[0]}" in detail
    report = status_report(snapshot, (), Health.HEALTHY, NOW)
    assert report.etcd is not None
    assert [member.healthy for member in report.etcd.members] == [True] * 3


def test_a_healthy_one_has_no_finding() -> None:
    assert findings(outside()) == []


def test_an_endpoint_that_gives_no_answer_is_unknown_and_no_ghost() -> None:
    snapshot = outside(silent())
    (row,) = (row for row in etcd_view(snapshot).members if not row.healthy)
    assert row.unknown
    assert [each.cells[2].text for each in etcd_table(snapshot).rows][2] == "? no answer"
    (finding,) = findings(snapshot)
    assert (finding.code, finding.subject, finding.severity) == (
        "etcd.external-endpoint",
        URLS[2],
        Severity.WARNING,
    )
    assert not [one for one in finding.remedies if not hasattr(one, "text")], "no action is advised"


def test_a_refused_connection_is_a_member_that_is_down() -> None:
    snapshot = outside(silent(Cause.REFUSED))
    assert [row.unknown for row in etcd_view(snapshot).members] == [False] * 3
    assert [each.cells[2].text for each in etcd_table(snapshot).rows][2] == "✖ down"


def test_a_member_at_no_known_endpoint_is_named() -> None:
    snapshot = outside()
    snapshot = replace(snapshot, external_etcd=snapshot.external_etcd[:2])
    last = etcd_view(snapshot).members[2]
    assert last.unknown
    assert "etcd.external.endpoints" in (last.error or "")


def test_a_lost_quorum_is_one_finding_with_every_endpoint() -> None:
    refused = silent(Cause.REFUSED)
    alone = last_report(healthy=False, health_error="no leader", leader_id=None)
    snapshot = outside(alone, refused, refused)
    result = findings(snapshot)
    assert [one.code for one in result] == ["etcd.quorum-lost"]
    (finding,) = result
    assert finding.severity is Severity.CRITICAL
    assert len(finding.evidence) >= 3
    assert not [one for one in finding.remedies if not hasattr(one, "text")], "no action is advised"


def test_an_alarm_is_reported() -> None:
    endpoint = last_report().value
    alarmed = last_report(alarms=(EtcdAlarm(endpoint.member_id, "NOSPACE"),))
    assert "etcd.external-alarm" in {one.code for one in findings(outside(alarmed))}


def test_endpoints_are_not_blamed_where_no_control_plane_is_reached() -> None:
    snapshot = outside(silent(), silent(), silent())

    def unreached(facts: HostFacts) -> HostFacts:
        return replace(facts, reach=Failed("no route", NOW, Cause.NO_ROUTE))

    away = replace(snapshot, hosts=tuple(map(unreached, snapshot.hosts)))
    assert "etcd.external-endpoint" not in {one.code for one in diagnose(away, inventory(), NOW)}


def test_a_pair_that_others_issued_is_not_rotated_by_advice() -> None:
    certificates = {facts.host: facts.certificates for facts in ended("apiserver-etcd-client", hosts=("cp1",)).hosts}
    own = replace(kubeadm.healthy(), hosts=tuple(_with(facts, certificates) for facts in kubeadm.healthy().hosts))
    theirs = replace(outside(), hosts=tuple(_with(facts, certificates) for facts in outside().hosts))
    for snapshot, kind in ((own, ActionCall), (theirs, Advice)):
        results = [one for one in diagnose(snapshot, inventory(), NOW) if one.code == "cert.expired"]
        assert [type(remedy) for one in results for remedy in one.remedies] == [kind]


def _with(facts: HostFacts, certificates: dict[HostName, Observed[tuple[Certificate, ...]]]) -> HostFacts:
    return replace(facts, certificates=certificates[facts.host])
