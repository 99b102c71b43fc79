"""The certificates of `tests.fakes.kubeadm` as kubeadm makes them: files, kubeconfigs with pairs, kubelet's pair."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import kubeadm
from tests.fakes.cluster import NOW

PKI = "/etc/kubernetes/pki"
KUBELET_PAIR = "/var/lib/kubelet/pki/kubelet-client-current.pem"
MASTERS = "O=system:masters,"
_SERVERS = ("etcd-server", "etcd-peer", "apiserver")
_FILES = {
    "etcd-server": ("etcd/server", "CN={host}", "etcd-ca"),
    "etcd-peer": ("etcd/peer", "CN={host}", "etcd-ca"),
    "etcd-client": ("etcd/healthcheck-client", f"{MASTERS}CN=kube-etcd-healthcheck-client", "etcd-ca"),
    "apiserver": ("apiserver", "CN=kube-apiserver", "kubernetes-ca"),
    "apiserver-etcd-client": ("apiserver-etcd-client", f"{MASTERS}CN=kube-apiserver-etcd-client", "etcd-ca"),
    "apiserver-kubelet-client": (
        "apiserver-kubelet-client", f"{MASTERS}CN=kube-apiserver-kubelet-client", "kubernetes-ca"
    ),
    "front-proxy-client": ("front-proxy-client", "CN=front-proxy-client", "front-proxy-ca"),
}  # fmt: skip
_KUBECONFIGS = {
    "admin": f"{MASTERS}CN=kubernetes-admin",
    "controller-manager": "CN=system:kube-controller-manager",
    "scheduler": "CN=system:kube-scheduler",
}
_CAS = {"kubernetes-ca": "ca", "etcd-ca": "etcd/ca", "front-proxy-ca": "front-proxy-ca"}
Change = Callable[[Certificate], Certificate]


def certified(change: Change = lambda one: one) -> ClusterSnapshot:
    """The healthy cluster with every certificate, each a day old and valid for a year."""
    snapshot = kubeadm.healthy()
    return replace(snapshot, hosts=tuple(_with_certificates(facts, change) for facts in snapshot.hosts))


def ended(*roles: str, hosts: tuple[str, ...] = ("cp1", "cp2", "cp3")) -> ClusterSnapshot:
    """The same with expired leaves: those of `roles`, or all."""

    def end(one: Certificate) -> Certificate:
        mine = not one.is_ca and one.host in hosts and (not roles or one.role in roles)
        return replace(one, not_after=NOW - timedelta(hours=1)) if mine else one

    return certified(end)


def _with_certificates(facts: HostFacts, change: Change) -> HostFacts:
    host = kubeadm.INVENTORY.find(facts.host)
    assert host is not None
    keys = tuple(
        TokenKeys(f"{PKI}/sa.{end}", mode, private=end == "key", fingerprints=("sa-old",))
        for end, mode in (("pub", 0o644), ("key", 0o600))
    )
    return replace(
        facts,
        certificates=Known(tuple(map(change, _certificates(host))), NOW),
        token_keys=keys if Role.CONTROL_PLANE in host.roles else (),
    )


def _certificates(host: Host) -> tuple[Certificate, ...]:
    subject = f"O=system:nodes,CN=system:node:{host.name}"
    kubelet = _leaf(host, "kubelet", KUBELET_PAIR, KUBELET_PAIR, subject)
    if Role.CONTROL_PLANE not in host.roles:
        return kubelet, _ca(host, "kubernetes-ca")
    files = (
        replace(
            _leaf(host, role, f"{PKI}/{name}.crt", f"{PKI}/{name}.key", subject.format(host=host.name)),
            issued_by=f"{ca}-old",
            sans=(f"DNS:{host.name}", f"IP:{host.address}", "DNS:extra.example") if role in _SERVERS else (),
        )
        for role, (name, subject, ca) in _FILES.items()
    )
    kubeconfigs = (
        replace(_leaf(host, role, path, path, subject), in_kubeconfig=True)
        for role, subject in _KUBECONFIGS.items()
        for path in (f"/etc/kubernetes/{role}.conf",)
    )
    return (*files, *kubeconfigs, kubelet, *(_ca(host, role) for role in _CAS))


def _leaf(host: Host, role: str, path: str, key: str, subject: str) -> Certificate:
    return Certificate(
        HostName(host.name),
        path,
        role,
        subject,
        "CN=kubernetes",
        "4f",
        NOW - timedelta(days=1),
        NOW + timedelta(days=364),
        (),
        f"{role}@{host.name}",
        is_ca=False,
        key_path=key,
        key_matches=True,
        chain_ok=True,
        issued_by="kubernetes-ca-old",
    )


def _ca(host: Host, role: str) -> Certificate:
    path = f"{PKI}/{_CAS[role]}"
    ca = _leaf(host, role, f"{path}.crt", f"{path}.key", f"CN={role}")
    key = ca.key_path if Role.CONTROL_PLANE in host.roles else None
    return replace(ca, fingerprint=f"{role}-old", is_ca=True, key_path=key, issued_by=None, chain_ok=None)
