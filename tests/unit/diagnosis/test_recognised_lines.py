"""Each known text is recognised in a line as its program writes it, and each such line by the cause that fits it."""

from __future__ import annotations

import pytest

from haconsole.diagnosis.known_texts import KNOWN_TEXTS, recognise
from tests.unit.diagnosis.test_known_texts import KUBEADMS

LINES = (
    ('err="failed to parse kubelet flag: unknown flag: --pod-infra-container-image"', "kubeadm-flags.env"),
    ("Error: unknown flag: --leader-elct", "does not know one of its flags"),
    (
        (
            'bootstrap.go:265] part of the existing bootstrap client certificate in "/etc/kubernetes/kubelet.conf" is '
            "expired: 2026-11-29 01:00:00 +0000 UTC"
        ),
        "no valid client certificate",
    ),
    (
        (
            'err="failed to run Kubelet: unable to load bootstrap kubeconfig: stat '
            '/etc/kubernetes/bootstrap-kubelet.conf: no such file or directory"'
        ),
        "no valid client certificate",
    ),
    (
        (
            'bootstrap.go:267] "Unhandled Error" err="part of the existing bootstrap client certificate in '
            '/etc/kubernetes/kubelet.conf is expired: 2026-11-29 17:31:35 +0000 UTC" logger="UnhandledError"'
        ),
        "no valid client certificate",
    ),
    (
        'run.go:72] "command failed" err="failed to parse kubelet flag: unknown flag: --x"',
        "does not know one of its flags",
    ),
    (
        (
            'run.go:72] "command failed" err="failed to run Kubelet: running with swap on is not supported, please '
            'disable swap or set --fail-swap-on flag to false"'
        ),
        "Swap is on",
    ),
    (
        (
            '"Failed cleaning pods" err="rpc error: code = Unavailable desc = connection error: desc = \\"transport: '
            'Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory\\""'
        ),
        "does not answer on its socket",
    ),
    (
        (
            'grpc: addrConn.createTransport failed to connect to {Addr: "127.0.0.1:2379", ServerName: "127.0.0.1:2379",'
            ' }. Err: connection error: desc = "transport: authentication handshake failed: tls: failed to verify '
            'certificate: x509: certificate signed by unknown authority"'
        ),
        "from another CA",
    ),
    ("remote error: tls: x509: certificate has expired or is not yet valid: current time is after", "has expired, or"),
    ("x509: certificate is valid for 10.99.1.11, 127.0.0.1, not 10.99.1.13", "copied from another host"),
    (
        (
            'x509: certificate signed by unknown authority (possibly because of "crypto/rsa": verification error" '
            'while trying to verify candidate authority certificate "kubernetes")'
        ),
        "from another CA",
    ),
    (
        (
            'validate service connection: CRI v1 runtime API is not implemented for endpoint "unix:///run/containerd/'
            'containerd.sock": rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService'
        ),
        "The CRI plugin",
    ),
    ("unknown service runtime.v1alpha2.ImageService", "The CRI plugin"),
    ('failed to get sandbox image "registry.k8s.io/pause:3.6": failed to pull image', "the pause image"),
    (
        (
            'failed to run Kubelet: misconfiguration: kubelet cgroup driver: "cgroupfs" is different from docker '
            'cgroup driver: "systemd"'
        ),
        "different cgroup drivers",
    ),
    (
        (
            'runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got '
            '"/kubepods/besteffort/pod4f/2c" instead: unknown'
        ),
        "different cgroup drivers",
    ),
    (
        (
            'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix '
            '/run/containerd/containerd.sock: connect: connection refused"'
        ),
        "does not answer on its socket",
    ),
    (
        "Unable to update cni config: no networks found in /etc/cni/net.d",
        "no network plug-in",
    ),
    (
        (
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network "
            "plugin returns error: cni plugin not initialized"
        ),
        "no network plug-in",
    ),
    (
        (
            "failed to run Kubelet: running with swap on is not supported, please disable swap! or set --fail-swap-on "
            "flag to false. /proc/swaps contained: [Filename Type Size Used Priority]"
        ),
        "Swap is on",
    ),
    (
        (
            "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be "
            "removed in a future release"
        ),
        "refuse hosts with cgroup v1",
    ),
    (
        (
            "failed to load Kubelet config file /var/lib/kubelet/config.yaml, error failed to read kubelet config file "
            '"/var/lib/kubelet/config.yaml", error: open /var/lib/kubelet/config.yaml: no such file or directory'
        ),
        "cannot read its configuration",
    ),
    (
        'run.go:72] "command failed" err="open /etc/kubernetes/pki/none.crt: no such file or directory"',
        "does not exist",
    ),
    ("kube-apiserver.service: Failed with result 'oom-kill'; fork: cannot allocate memory", "OOM-killed"),
    ("Main process exited, code=exited, status=203/EXEC", "cannot execute"),
    ("Main process exited, code=exited, status=217/USER", "account"),
    ("Main process exited, code=exited, status=226/NAMESPACE", "file system"),
    ("Failed with result 'start-limit-hit'.", "gave up"),
    ("accept4: too many open files; retrying in 1s", "limit of open files"),
    ("the member has been permanently removed from the cluster", "removed from the cluster"),
    (
        'error is not an metav1.Status: rpctypes.EtcdError{desc:"etcdserver: user name is empty"}',
        "authentication (RBAC)",
    ),
    ("etcdserver: mvcc: database space exceeded", "quota"),
    ("failed to find database snapshot file (snap: failed to find [0000000000000002.snap.db])", "lost writes"),
    (
        "tocommit(2345) is out of range [lastIndex(2301)]. Was the raft log corrupted, truncated, or lost?",
        "lost writes",
    ),
    ("failed to recover v3 backend from snapshot: walpb: crc mismatch", "lost writes"),
    ("write /var/lib/etcd/member/wal/0.tmp: no space left on device", "A file system is full"),
    ("open /var/lib/kubelet/pods: read-only file system", "mounted read-only"),
    ("leaderelection.go:288] failed to renew lease kube-system/kube-scheduler: timed out", "too slowly"),
    ("apply request took too long", "too slowly"),
    ("slow fdatasync", "too slowly"),
)
"""Lines of kubelet, containerd, systemd, etcd and Kubernetes' components, and a part of the cause."""


@pytest.mark.parametrize(("line", "cause"), LINES)
def test_a_line_is_recognised_by_its_cause(line: str, cause: str) -> None:
    known = recognise((line,))
    assert known is not None
    assert cause in known.cause


def test_every_known_text_is_the_first_one_of_a_line() -> None:
    recognised = {recognise((line,)) for line in (*(line for line, _ in LINES), *(line for line, _ in KUBEADMS))}
    assert [one.pattern.pattern for one in KNOWN_TEXTS if one not in recognised] == []
