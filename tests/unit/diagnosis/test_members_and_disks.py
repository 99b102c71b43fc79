"""Rules about members, standbys and space on clusters that break only these."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.inventory.schema import Etcd, EtcdTls
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import ApiserverFacts, DiskSpace, HostFacts, InterfaceAddress
from haconsole.model.observed import NOT_ASKED, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy, units


def codes(snapshot: ClusterSnapshot) -> list[tuple[str, str]]:
    return [(finding.code, finding.subject) for finding in diagnose(snapshot, INVENTORY, NOW)]


def with_third_member(**changes: object) -> ClusterSnapshot:
    """Every member lists the third one with these fields."""
    members = (cluster.member(1), cluster.member(2), replace(cluster.member(3), **changes))

    def change(facts: HostFacts) -> HostFacts:
        endpoint = value_of(facts.etcd)
        assert endpoint is not None
        return replace(facts, etcd=Known(replace(endpoint, members=members), NOW))

    snapshot = healthy()
    return replace(snapshot, hosts=tuple(map(change, snapshot.hosts)))


def test_two_members_of_one_name() -> None:
    assert ("etcd.duplicate-name", "cp2") in codes(with_third_member(name="cp2"))


def test_a_peer_url_that_is_not_the_hosts_address() -> None:
    result = codes(with_third_member(peer_urls=("https://10.99.0.93:2380",)))
    assert [code for code, _ in result] == ["etcd.peer-url-mismatch"]


@pytest.mark.parametrize("name", ["cp3", "cp3.example.org", "etcd-3.example.org"])
def test_a_peer_url_with_a_name_in_dns_is_the_hosts(name: str) -> None:
    assert codes(with_third_member(peer_urls=(f"https://{name}:2380",))) == []


def test_a_peer_url_with_the_name_of_another_host() -> None:
    result = codes(with_third_member(peer_urls=("https://cp2.example.org:2380",)))
    assert [code for code, _ in result] == ["etcd.peer-url-mismatch"]


def with_servers(facts: HostFacts, servers: tuple[str, ...]) -> Known[ApiserverFacts]:
    apiserver = value_of(facts.apiserver)
    assert apiserver is not None
    return Known(replace(apiserver, etcd_servers=servers), NOW)


def test_a_client_url_of_another_place_is_the_cause_of_differing_lists() -> None:
    servers = tuple(f"https://10.99.0.1{n}:2379" for n in (1, 2, 3))
    snapshot = with_third_member(client_urls=("https://10.99.0.93:2379",))
    result = codes(changed(snapshot, 1, lambda facts: replace(facts, apiserver=with_servers(facts, servers))))
    assert result == [("etcd.client-url-mismatch", "cp3")]


@pytest.mark.parametrize("name", ["cp3", "cp3.example.org", "etcd-3.example.org"])
def test_a_client_url_with_a_name_in_dns_is_the_hosts(name: str) -> None:
    result = codes(with_third_member(client_urls=(f"https://{name}:2379",)))
    assert "etcd.client-url-mismatch" not in [code for code, _ in result]


def test_a_client_url_with_another_address_of_the_host_is_the_hosts() -> None:
    own = (InterfaceAddress("eth0", "10.99.0.13", 24), InterfaceAddress("eth1", "192.0.2.13", 24))
    snapshot = with_third_member(client_urls=("https://192.0.2.13:2379",))
    other = changed(snapshot, 3, lambda facts: replace(facts, addresses=Known(own, NOW)))
    assert "etcd.client-url-mismatch" not in [code for code, _ in codes(other)]


def test_a_dead_member_that_is_listed_by_its_name_in_dns_is_on_its_host() -> None:
    snapshot = with_third_member(peer_urls=("https://cp3.example.org:2380",))
    dead = changed(snapshot, 3, lambda facts: replace(facts, etcd=NOT_ASKED))
    assert [row.host for row in etcd_view(dead).members] == ["cp1", "cp2", "cp3"]


def test_members_of_different_versions() -> None:
    def newer(facts: HostFacts) -> HostFacts:
        endpoint = value_of(facts.etcd)
        assert isinstance(endpoint, EtcdEndpoint)
        return replace(facts, etcd=Known(replace(endpoint, version="3.5.16"), NOW))

    assert [code for code, _ in codes(changed(healthy(), 3, newer))] == ["etcd.version-skew"]


def test_etcd_without_certificates() -> None:
    plain = msgspec.structs.replace(INVENTORY, etcd=Etcd(tls=EtcdTls.OFF))
    assert "etcd.unencrypted" in {finding.code for finding in diagnose(healthy(), plain, NOW)}
    assert codes(healthy()) == []


def test_a_component_that_runs_on_one_host_only_has_no_standby() -> None:
    snapshot = healthy()
    for n in (2, 3):
        stopped = Known(units(kube_scheduler="inactive"), NOW)
        snapshot = changed(snapshot, n, lambda facts, stopped=stopped: replace(facts, services=stopped))  # type: ignore[misc]
    findings = diagnose(snapshot, INVENTORY, NOW)
    assert {finding.code for finding in findings} == {"component.down"}
    assert any("no standby can take over" in line for finding in findings for line in finding.evidence)
    assert "lease.no-standby" not in {code for code, _ in codes(healthy())}


def test_a_file_system_with_little_space() -> None:
    def filled(facts: HostFacts) -> HostFacts:
        return replace(facts, disks=Known((DiskSpace("/", 100 << 30, 6 << 30),), NOW))

    assert codes(changed(healthy(), 2, filled)) == [("host.disk-low", "cp2:/")]
