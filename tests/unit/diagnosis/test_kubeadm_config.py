"""kubeadm's record of a cluster against the cluster: hosts, endpoint and version."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.certificate import Certificate
from haconsole.model.findings import Finding
from haconsole.model.hosts import HostFacts
from haconsole.model.kubeadm import ClusterConfiguration, ClusterInfo, KubeletConfiguration
from haconsole.model.kubelet import KubeletFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY, changed, healthy, with_kubelet

RECORD = ClusterConfiguration("v1.20.2", "10.99.0.100:8443", control_planes=("cp1", "cp2", "cp3"))


def findings_of(record: ClusterConfiguration | None) -> tuple[Finding, ...]:
    return diagnose(recorded(record), INVENTORY, NOW)


def recorded(record: ClusterConfiguration | None) -> ClusterSnapshot:
    return replace(healthy(), kubeadm=Known(record, NOW))


@pytest.mark.parametrize(
    "record",
    [
        None,
        ClusterConfiguration(),
        RECORD,
        replace(RECORD, endpoint="api.example.org:6443"),
        replace(RECORD, endpoint="10.99.0.11:6443"),
        replace(RECORD, endpoint="10.99.0.100"),
        replace(RECORD, control_planes=()),
    ],
)
def test_a_record_that_fits(record: ClusterConfiguration | None) -> None:
    assert findings_of(record) == ()


@pytest.mark.parametrize(
    ("record", "summary", "fix"),
    [
        (
            replace(RECORD, control_planes=("cp1", "cp2", "cp3", "cp9")),
            "kubeadm-config lists control planes that are not nodes of the cluster: cp9",
            "delete cp9 under apiEndpoints",
        ),
        (
            replace(RECORD, endpoint="10.99.0.200:8443"),
            "kubeadm-config has the endpoint 10.99.0.200:8443, the inventory 10.99.0.100:",
            "correct controlPlaneEndpoint",
        ),
        (
            replace(RECORD, version="v1.19.0"),
            "kubeadm-config has Kubernetes v1.19.0, every API server runs v1.20.2",
            "kubeadm upgrade apply v1.20.2",
        ),
    ],
)
def test_a_record_that_does_not_fit(record: ClusterConfiguration, summary: str, fix: str) -> None:
    (finding,) = findings_of(record)
    assert (finding.code, finding.subject) == ("kubeadm.config-stale", "kubeadm-config")
    assert finding.summary.startswith(summary)
    assert fix in finding.remedies[0].text


def test_all_differences_are_one_finding() -> None:
    (finding,) = findings_of(ClusterConfiguration("v1.19.0", "10.99.0.200:8443", control_planes=("cp9",)))
    assert (len(finding.evidence), len(finding.remedies)) == (2, 3)


def test_a_record_that_could_not_be_read_is_no_finding() -> None:
    failure: Failed[ClusterConfiguration | None] = Failed("cp1: kubeadm: no answer within 3 s", NOW, Cause.TIMED_OUT)
    assert diagnose(replace(healthy(), kubeadm=failure), INVENTORY, NOW) == ()


INFO = ClusterInfo("https://10.99.0.100:8443", ("a" * 64,))
KUBELET = KubeletConfiguration("kubelet-config-1.20", "systemd", True, True)


def authority(host: str, fingerprint: str) -> Certificate:
    return Certificate(
        HostName(host),
        "/etc/kubernetes/pki/ca.crt",
        "kubernetes-ca",
        "CN=kubernetes",
        "CN=kubernetes",
        "0",
        NOW,
        NOW + timedelta(days=3650),
        (),
        fingerprint,
        True,
    )


def having(certificates: tuple[Certificate, ...], facts: HostFacts) -> HostFacts:
    return replace(facts, certificates=Known(certificates, NOW))


def with_authorities(snapshot: ClusterSnapshot, *fingerprints: str) -> ClusterSnapshot:
    """The snapshot with these CAs in ca.crt of each control plane."""
    for name in ("cp1", "cp2", "cp3"):
        certificates = tuple(authority(name, one) for one in fingerprints)
        snapshot = changed(snapshot, name, partial(having, certificates))
    return snapshot


@pytest.mark.parametrize(
    "info",
    [
        INFO,
        replace(INFO, server="https://10.99.0.11:6443"),
        replace(INFO, server="https://api.example.org:6443"),
        replace(INFO, authorities=("b" * 64, "a" * 64)),
    ],
)
def test_a_cluster_info_that_fits(info: ClusterInfo) -> None:
    assert diagnose(with_authorities(recorded(replace(RECORD, cluster_info=info)), "a" * 64), INVENTORY, NOW) == ()


def test_a_cluster_info_during_a_rotation_has_one_of_the_cas() -> None:
    record = replace(RECORD, cluster_info=INFO)
    results = diagnose(with_authorities(recorded(record), "a" * 64, "b" * 64), INVENTORY, NOW)
    assert [one for one in results if one.code == "kubeadm.config-stale"] == []


def test_the_ca_of_cluster_info_is_unknown_while_no_certificate_was_read() -> None:
    assert findings_of(replace(RECORD, cluster_info=replace(INFO, authorities=("b" * 64,)))) == ()


def test_a_cluster_info_with_the_ca_before_a_rotation() -> None:
    record = replace(RECORD, cluster_info=INFO)
    (finding,) = diagnose(with_authorities(recorded(record), "b" * 64), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("kubeadm.config-stale", "cluster-info")
    assert "another CA" in finding.summary
    assert "base64 -w0 /etc/kubernetes/pki/ca.crt" in finding.remedies[0].text


def test_a_cluster_info_with_the_endpoint_before_a_change() -> None:
    (finding,) = findings_of(replace(RECORD, cluster_info=replace(INFO, server="https://10.99.0.200:8443")))
    assert (finding.code, finding.subject) == ("kubeadm.config-stale", "cluster-info")
    assert finding.summary == (
        "cluster-info has the server https://10.99.0.200:8443, the inventory's endpoint is 10.99.0.100:8443"
    )
    assert "set server to https://10.99.0.100:8443" in finding.remedies[0].text


@pytest.mark.parametrize(
    "kubelet",
    [KUBELET, replace(KUBELET, rotates_certificates=None), KubeletConfiguration("kubelet-config")],
)
def test_a_kubelet_config_that_fits(kubelet: KubeletConfiguration) -> None:
    assert findings_of(replace(RECORD, kubelet=kubelet)) == ()


def test_a_kubelet_config_by_which_an_upgrade_stops_hosts() -> None:
    (finding,) = findings_of(replace(RECORD, kubelet=replace(KUBELET, cgroup_driver="cgroupfs")))
    assert (finding.code, finding.subject) == ("kubeadm.config-stale", "kubelet-config-1.20")
    assert finding.summary == "kubelet-config-1.20 has cgroupDriver cgroupfs, kubelet on cp1 uses systemd"
    assert (len(finding.evidence), len(finding.remedies)) == (3, 1)


def test_a_driver_by_a_flag_stays_after_an_upgrade() -> None:
    snapshot = recorded(replace(RECORD, kubelet=replace(KUBELET, cgroup_driver="cgroupfs")))
    for facts in snapshot.hosts:
        snapshot = with_kubelet(snapshot, facts.host, lambda one: replace(one, flags=("--cgroup-driver=systemd",)))
    assert diagnose(snapshot, INVENTORY, NOW) == ()


def test_swap_that_only_one_host_allows() -> None:
    def swapping(facts: KubeletFacts) -> KubeletFacts:
        return replace(facts, swaps=("/swap.img",), fail_swap_on=False)

    snapshot = recorded(replace(RECORD, kubelet=KUBELET))
    (finding,) = diagnose(with_kubelet(snapshot, "w1", swapping), INVENTORY, NOW)
    assert finding.summary == (
        "kubelet on w1 runs with swap because of failSwapOn: false, which kubelet-config-1.20 lacks"
    )
    allowed = recorded(replace(RECORD, kubelet=replace(KUBELET, fail_swap_on=False)))
    assert diagnose(with_kubelet(allowed, "w1", swapping), INVENTORY, NOW) == ()


def test_certificates_of_kubelets_that_are_not_renewed() -> None:
    snapshot = recorded(replace(RECORD, kubelet=replace(KUBELET, rotates_certificates=False)))
    (finding,) = diagnose(
        with_kubelet(snapshot, "w1", lambda one: replace(one, rotates_certificates=False)), INVENTORY, NOW
    )
    assert finding.summary == "kubelet on w1 does not renew its certificate: rotateCertificates is false"
    assert "kubelets of new hosts" in finding.evidence[0]
