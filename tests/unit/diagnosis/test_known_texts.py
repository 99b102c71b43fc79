"""Known error texts: their cause on every cluster, kubeadm's commands only on clusters of kubeadm's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.findings import Advice, Finding
from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.observed import Cause, Failed, Known
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy

KUBEADM = ("kubeadm", "static pod", "manifest", "kubelet")


def crash_looping(line: str) -> tuple[Finding, ...]:
    """The findings of a cluster of systemd units whose etcd on cp3 ends again and again with this line."""

    def change(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.services, Known)
        units = tuple(failing(unit) if unit.name == "etcd" else unit for unit in facts.services.value)
        silent: Failed[EtcdEndpoint] = Failed("connection refused", NOW, Cause.REFUSED, asked_from=(facts.host,))
        return replace(facts, services=Known(units, NOW), etcd=silent)

    def failing(unit: ServiceState) -> ServiceState:
        return replace(
            unit,
            active="activating",
            sub="auto-restart",
            restarts=9,
            result="exit-code",
            since=NOW - timedelta(seconds=2),
            started=NOW - timedelta(seconds=3),
            lines=(line,),
        )

    return diagnose(changed(healthy(), 3, change), INVENTORY, NOW)


@pytest.mark.parametrize(
    "line",
    [
        "the member has been permanently removed from the cluster",
        "remote error: tls: x509: certificate has expired or is not yet valid",
        "x509: certificate is valid for 10.0.0.9, not 10.0.0.3",
        "etcdserver: mvcc: database space exceeded",
        "failed to find [0000000000000002.snap.db]",
        "listen tcp 10.99.0.13:2379: bind: address already in use",
    ],
)
def test_a_cluster_of_systemd_units_is_never_advised_kubeadms_commands(line: str) -> None:
    findings = crash_looping(line)
    assert findings
    assert line in str(findings)
    advised = [remedy.text for finding in findings for remedy in finding.remedies]
    assert [text for text in advised if any(word in text for word in KUBEADM)] == []


def test_the_cause_and_a_fix_that_fits_every_cluster_are_kept() -> None:
    (finding, *_) = crash_looping("write /var/lib/etcd/member/wal: no space left on device")
    assert finding.why.startswith("A file system is full.")
    assert isinstance(finding.remedies[0], Advice)
    assert "df -h" in finding.remedies[0].text
