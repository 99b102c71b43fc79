"""Known error texts: their cause on every cluster, kubeadm's commands only on clusters of kubeadm's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.diagnosis.known_texts import recognise
from haconsole.execution.events import Outcome
from haconsole.execution.nodes.join import explained
from haconsole.execution.outcome import OperationResult
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.findings import Advice, Finding
from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.observed import Cause, Failed, Known
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy

KUBEADM = ("kubeadm", "static pod", "manifest", "kubelet")


def test_a_server_that_is_not_ready_gives_the_reason_of_its_own_log() -> None:
    line = (
        'E1130 status.go:71] apiserver received an error that is not an metav1.Status: "etcdserver: user name is empty"'
    )

    def change(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.apiserver, Known)
        server = replace(facts.apiserver.value, ready=False, failing=("etcd",), lines=(line,))
        return replace(facts, apiserver=Known(server, NOW))

    findings = diagnose(changed(healthy(), 3, change), INVENTORY, NOW)
    finding = next(one for one in findings if one.code == "apiserver.not-ready")
    assert f"kube-apiserver logs: {line}" in finding.evidence
    assert finding.why.startswith("etcd's authentication (RBAC) is enabled")
    assert "etcdctl auth disable" in str(finding.remedies[0])


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


KUBEADMS = (
    ("[check-etcd] error execution phase check-etcd: etcd cluster is not healthy: context deadline exceeded", "member"),
    ('error downloading certs: Secret "kubeadm-certs" was not found in the "kube-system" Namespace', "upload-certs"),
    ("error decoding secret data with provided key: cipher: message authentication failed", "upload-certs"),
    ('could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"', "kubeadm token create"),
    ("unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint", "VIP"),
    ("error execution phase upload-config/kubeadm: unable to create ConfigMap: deadline exceeded", "/readyz"),
    ("[ERROR Port-6443]: Port 6443 is in use", "ss -ltnp"),
    ("etcdserver: can only promote a learner member which is in sync with leader", "learner by its ID"),
    (
        (
            "error: error execution phase etcd-join: error creating local etcd static pod manifest file: the etcd "
            "member 8c5ec94c0a3b1c2d is not started"
        ),
        "log in /var/log/pods",
    ),
    (
        (
            'error: your configuration file uses an old API spec: "kubeadm.k8s.io/v1beta2" (kind: "JoinConfiguration").'
            " Please use kubeadm v1.22 instead and run 'kubeadm config migrate --old-config old-config-file "
            "--new-config new-config-file', which will write the new, similar spec using a newer API version."
        ),
        "kubernetes.version",
    ),
    ("etcdserver: too many learner members in cluster", "learner by its ID"),
    ("etcdserver: re-configuration failed due to not enough started members", "start the stopped member"),
    ('leases.coordination.k8s.io "plndr-cp-lock" is forbidden: User "kubernetes-admin"', "super-admin.conf"),
    (
        (
            'leaderelection.go:461] "Error retrieving lease lock" err="leases.coordination.k8s.io \\"plndr-cp-lock\\" '
            'is forbidden: User \\"kubernetes-admin\\" cannot get resource \\"leases\\""'
        ),
        "super-admin.conf",
    ),
    ('leases.coordination.k8s.io "plndr-svcs-lock" is forbidden: User "kubernetes-admin"', "super-admin.conf"),
    ("error creating local etcd static pod manifest file: etcdserver: unhealthy cluster", "remove it by its ID"),
    (
        (
            "couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors "
            "faced: static Pod hash for component kube-apiserver on Node cp1 did not change after 5m0s: context "
            "deadline exceeded"
        ),
        "copies of manifests",
    ),
    (
        'CreateContainerConfigError: "services have not yet been read at least once"',
        "own API",
    ),
)
"""Lines of kubeadm, kubelet and kube-vip that a lab's versions do not write, or that only a join shows."""


@pytest.mark.parametrize(("line", "fix"), KUBEADMS)
def test_lines_of_a_join_and_of_other_versions_have_a_cause_and_kubeadms_fix(line: str, fix: str) -> None:
    known = recognise((line,))
    assert known is not None
    assert known.cause.endswith(".")
    assert fix in (known.kubeadm_fix or known.fix)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_join_that_fails_names_the_cause_first(outcome: Outcome) -> None:
    result = explained(OperationResult(outcome, f"[preflight] Running\n{KUBEADMS[1][0]}\n", "exit status 1"))
    if outcome is Outcome.FAILED:
        assert result.error is not None
        assert result.error.startswith("The certificates that kubeadm uploaded have expired (they last 2 hours)")
        assert result.error.endswith("exit status 1")
    else:
        assert result.error == "exit status 1"
    assert explained(OperationResult(Outcome.FAILED, "other", "exit status 2")).error == "exit status 2"
