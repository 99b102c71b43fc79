"""kubeadm's record of a cluster against the cluster: hosts, endpoint and version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import Finding
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY, healthy

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
            "kubeadm-config names control planes that are no nodes: cp9",
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
