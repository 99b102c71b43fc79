"""Every finding is brought about on real hosts, or has a reason why a lab does not show it, and a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.diagnosis.codes import CODES
from haconsole.lab.faults import SCENARIOS
from tests.hosts.expectations import SCENARIOS as EXPECTATIONS
from tests.hosts.kubeadm_modes import MODES

TESTS = Path(__file__).parents[1]
OTHER = TESTS / "unit/test_kubeadm_drills.py"
TRANSIENT = ("etcd-leader-killed", "scheduler-killed")
"""Scenarios whose fault ends before anybody looks: another member or component takes over."""
LISTS = (
    "test_kubeadm_cold_start.py",
    "expectations.py",
    "kubeadm_modes_of_hosts.py",
    "kubeadm_modes_of_planes.py",
    "test_doctor.py",
    "witness.py",
)
"""Files that name codes for other reasons than a test of one of them."""
FOREIGN = "needs a configuration that haconsole did not write, which no fix replaces; kubeadm labs have such files"
EVIDENCE = "on hosts it is evidence of its cause"
EXTERNAL = "needs an etcd outside of the inventory; its answers are cases of unit tests"
COLD_START = (
    "kubelet of the lab starts its static pods while connections are held (test_kubeadm_cold_start.py): a case of "
    "unit tests"
)
REASONS = {
    "console.rules-failed": "an error of the program itself",
    "console.key-unusable": "a missing file on the operator's machine: a case of unit tests",
    "cluster.not-bootstrapped": "the state in which each lab starts: tests/hosts/test_bootstrap.py",
    "etcd.member-unhealthy": f"{EVIDENCE}: a blocked port, a slow host, a throttled process",
    "etcd.learner-stuck": "needs a learner whose process has run for ten minutes",
    "etcd.ghost-member": "needs a member that started on a host outside of the lab",
    "etcd.stale-data-dir": "its fix, a removal and a new join, is that of the scenario etcd-diverged",
    "etcd.duplicate-name": "etcd refuses a second member of a name at its start; lists of old versions are cases",
    "etcd.version-skew": "a lab has one version of etcd",
    "etcd.db-near-quota": "needs a database of more than a gigabyte",
    "etcd.db-fragmented": "needs a database of hundreds of megabytes, most of them freed",
    "etcd.unencrypted": "a setting of the inventory",
    "etcd.external-alarm": EXTERNAL,
    "vip.vrid-collision": "needs balancers of another cluster in the lab's network",
    "vip.lease-differs": "kube-vip is not in Debian; its manifests and leases are cases of unit tests",
    "vip.owner-unhealthy": f"{EVIDENCE}: haproxy stopped, suspended or full on the owner",
    "haproxy.backend-down": f"{EVIDENCE}: the API server that fails the check",
    "haproxy.weak-check": FOREIGN,
    "haproxy.unresolved": FOREIGN,
    "haproxy.backend-mismatch": FOREIGN,
    "apiserver.not-ready": f"{EVIDENCE}: the component behind the failing check",
    "lease.expired": f"{EVIDENCE}: the component, API server or quorum without which nobody renews",
    "lease.holder-unknown": "needs a component outside of the lab",
    "lease.no-standby": f"{EVIDENCE}: the stopped standbys",
    "lease.churn": f"{EVIDENCE}: a component that loses its lock exits, so that its crash loop is found first",
    "kubelet.waits-for-api": COLD_START,
    "endpoint.times-out": "brought about on kubeadm hosts: test_kubeadm_cold_start.py",
    "node.lease-stale": f"{EVIDENCE}: a kubelet and a kube-controller-manager that do not run",
    "cert.expiring": "expired leaves are brought about; a leaf that expires soon differs in its date only",
    "cert.not-yet-valid": "a leaf that is not valid yet differs from an expired one in its dates only",
    "cert.wrong-usage": "needs a certificate that another program issued; such leaves are cases of unit tests",
    "cert.ca-rotation-open": "seen between the phases of a replaced CA: tests/hosts/test_rotation_boundaries.py",
    "host.clock-skew": "hosts of a lab share one clock",
}


def brought_about() -> set[str]:
    """The codes of scenarios and failure modes, and those that a test on hosts names."""
    files = (path for path in (TESTS / "hosts").glob("*.py") if path.name not in LISTS)
    text = "".join(path.read_text() for path in files)
    named = {code for code in CODES if f'"{code}"' in text}
    return {one.code for one in EXPECTATIONS.values()} | {mode.code for mode in MODES} | named


def test_every_code_is_brought_about_on_hosts_or_has_a_reason() -> None:
    assert set(CODES) - brought_about() == set(REASONS) - brought_about()


def test_no_reason_is_left_for_a_code_that_is_brought_about() -> None:
    assert set(REASONS) & brought_about() == set()


@pytest.mark.parametrize("code", REASONS)
def test_a_code_without_a_scenario_has_a_case(code: str) -> None:
    files = (path for path in (TESTS / "unit").rglob("*.py") if path not in (Path(__file__), OTHER))
    assert any(f'"{code}"' in path.read_text() for path in files)


def test_every_scenario_has_an_expected_finding() -> None:
    assert set(SCENARIOS) - set(TRANSIENT) == set(EXPECTATIONS)
