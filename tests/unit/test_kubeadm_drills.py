"""Every finding that is quiet on a healthy kubeadm cluster is brought about on one, or has a reason and a case here."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.diagnosis.codes import CODES
from tests.hosts.kubeadm_modes import MODES

TESTS = Path(__file__).parents[1]
ON_HOSTS = "".join((TESTS / "hosts" / name).read_text() for name in ("test_kubeadm_seen.py", "test_kubeadm_shapes.py"))
ALWAYS = ("balancer.foreign", "balancer.no-socket")
"""Codes that are reported on the healthy cluster too."""
IGNORED = ("host.slow",)
"""Codes that tests on hosts leave out, and do not bring about."""
CONSEQUENCES = ("apiserver.down", "apiserver.not-ready", "component.down", "etcd.member-down", "lease.expired")
"""Codes of what stops with a static pod, kubelet or host: on kubeadm hosts these are evidence of the cause."""
SAME = (
    "the rule reads the same facts on every kind of cluster, and is drilled on hosts with systemd units: "
    "haconsole lab teach"
)
ONE_KERNEL = "hosts of a lab share one kernel, one clock and one disk"
NO_SOCKET = "kubeadm's guide has no stats socket, so servers are not shown there"
EXTERNAL = "needs an etcd outside of the inventory; its answers are cases of unit tests"
UNITS_ONLY = "the rule reads what systemd units name; kubeadm's components have none"
COLD_START = (
    "kubelet of the lab starts its static pods while connections are held (test_kubeadm_cold_start.py): a case of "
    "unit tests"
)
ELSEWHERE = {
    "console.rules-failed": "an error of the program itself",
    "console.key-unusable": "a missing file on the operator's machine: a case of unit tests",
    "cluster.not-bootstrapped": "kubeadm hosts without a cluster are seen before bootstrap: test_kubeadm_bootstrap.py",
    "node.lease-stale": "on hosts it is evidence of a kubelet and a kube-controller-manager that do not run",
    "etcd.quorum-lost": SAME,
    "etcd.no-fault-tolerance": SAME,
    "etcd.member-unhealthy": SAME,
    "etcd.ghost-member": SAME,
    "etcd.stale-data-dir": "etcd's journal has it; of a static pod the log in its crash loop is recognised",
    "etcd.missing-member": "a control plane without a member has a missing manifest or a crash loop as the cause",
    "etcd.duplicate-name": SAME,
    "etcd.peer-url-mismatch": SAME,
    "etcd.client-url-mismatch": SAME,
    "etcd.listens-locally": SAME,
    "haproxy.short-timeouts": SAME,
    "haproxy.wrong-bind": SAME,
    "component.flags-differ": "flags are read from the process, in a pod or not; tests of units show it",
    "host.link-down": SAME,
    "apiserver.wrong-address": SAME,
    "etcd.even-voters": SAME,
    "etcd.version-skew": "a lab has one version of etcd",
    "etcd.corrupt": SAME,
    "etcd.learner-stuck": "kubeadm joins members as learners from 1.29 on, which a lab does not have",
    "etcd.db-near-quota": SAME,
    "etcd.db-fragmented": SAME,
    "etcd.unencrypted": "kubeadm always uses certificates",
    "kubelet.waits-for-api": COLD_START,
    "endpoint.times-out": "brought about by balancers that hold connections: test_kubeadm_cold_start.py",
    "etcd.external-endpoint": EXTERNAL,
    "etcd.external-alarm": EXTERNAL,
    "etcd.leader-flapping": SAME,
    "etcd.slow-disk": f"{ONE_KERNEL}; the texts of static pods are read in tests/unit/probes/test_recent_events.py",
    "vip.split": SAME,
    "vip.owner-unhealthy": SAME,
    "vip.forced-down": "a check that the site wrote heeds no down file",
    "vip.stale-arp": SAME,
    "vip.not-serving": SAME,
    "vip.fault": SAME,
    "vip.flapping": SAME,
    "vip.vrid-collision": SAME,
    "vip.lease-differs": "kube-vip is not in Debian; its manifests and leases are cases of unit tests",
    "haproxy.backend-down": NO_SOCKET,
    "haproxy.weak-check": NO_SOCKET,
    "haproxy.draining": NO_SOCKET,
    "haproxy.connections-full": NO_SOCKET,
    "haproxy.unresolved": NO_SOCKET,
    "haproxy.default-credentials": SAME,
    "etcd.no-client-auth": SAME,
    "haproxy.backend-mismatch": NO_SOCKET,
    "lease.holder-unknown": SAME,
    "lease.no-standby": SAME,
    "lease.churn": SAME,
    "cert.not-yet-valid": SAME,
    "cert.wrong-usage": SAME,
    "cert.expiring": "expired leaves are; a leaf that expires soon differs in its date only",
    "cert.ca-rotation-open": "seen during the replacement of kubeadm's CAs: test_kubeadm_ca.py",
    "host.slow": ONE_KERNEL,
    "host.clock-skew": ONE_KERNEL,
    "host.disk-full": ONE_KERNEL,
    "host.disk-low": ONE_KERNEL,
    "host.inodes-full": ONE_KERNEL,
    "host.read-only": SAME,
    "host.duplicate-name": SAME,
    "host.duplicate-address": SAME,
    "host.mtu-differs": SAME,
    "service.stale-config": SAME,
    "service.requirement-missing": UNITS_ONLY,
    "service.changed-settings": UNITS_ONLY,
    "service.limited": UNITS_ONLY,
    "component.kubeconfig-wrong": UNITS_ONLY,
}


def drilled() -> set[str]:
    """The codes of the failure modes, and those that the tests on hosts name."""
    named = {code for code in CODES if f'"{code}"' in ON_HOSTS}
    return ({mode.code for mode in MODES} | named) - set(IGNORED)


def test_every_code_is_drilled_on_kubeadm_hosts_or_has_a_reason() -> None:
    assert set(CODES) - drilled() - set(ALWAYS) - set(CONSEQUENCES) == set(ELSEWHERE) - drilled()


def test_no_reason_is_left_for_a_code_that_is_drilled() -> None:
    assert set(ELSEWHERE) & drilled() == set()


@pytest.mark.parametrize("code", [*ELSEWHERE, *CONSEQUENCES])
def test_a_code_without_a_drill_there_has_a_case(code: str) -> None:
    unit = (path.read_text() for path in (TESTS / "unit").rglob("*.py") if path != Path(__file__))
    hosts = (path.read_text() for path in (TESTS / "hosts").glob("*.py"))
    assert any(code in text for text in (*unit, *hosts))


def test_the_names_of_failure_modes_are_unique() -> None:
    names = [mode.name for mode in MODES]
    assert len(names) == len(set(names)) > 30
