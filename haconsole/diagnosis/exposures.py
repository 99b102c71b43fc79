"""Rules about who reaches a port: etcd or haproxy's statistics page for everybody, or etcd for its own host only."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.configs.layout import is_kubeadm, layout
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, ONLY_LOCAL, Candidate
from haconsole.diagnosis.remedies import advice
from haconsole.diagnosis.unit_settings import correct_settings
from haconsole.inventory.schema import EtcdTls, Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import Exposure, ExposureKind

OF_ETCD = (ExposureKind.CLIENT, ExposureKind.PEER)
LOCAL = {ExposureKind.LOCAL_CLIENT: "clients", ExposureKind.LOCAL_PEER: "members"}


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about every host; an etcd that has no TLS by the inventory has a finding of its own."""
    for facts in snapshot.hosts:
        exposures = value_of(facts.exposures) or ()
        of_etcd = tuple(one for one in exposures if one.kind in OF_ETCD)
        pages = tuple(one for one in exposures if one.kind not in (*OF_ETCD, *LOCAL))
        local = tuple(one for one in exposures if one.kind in LOCAL and _is_needed(one.kind, facts, inventory))
        if local:
            yield _only_local(facts, local, inventory)
        if of_etcd and inventory.etcd.tls is not EtcdTls.OFF:
            yield _etcd(facts, of_etcd, inventory)
        if pages:
            yield _pages(facts, pages)


def _is_needed(kind: ExposureKind, facts: HostFacts, inventory: Inventory) -> bool:
    """Whether another host connects: each member does, and the API servers that use all members."""
    if kind is ExposureKind.LOCAL_PEER:
        return len(inventory.with_role(Role.ETCD)) > 1
    stacked = is_kubeadm(inventory) and facts.has(Role.CONTROL_PLANE)
    others = any(host.name != facts.host for host in inventory.with_role(Role.CONTROL_PLANE))
    return others and not stacked and not layout(inventory).etcd.loopback_only


def _only_local(facts: HostFacts, local: tuple[Exposure, ...], inventory: Inventory) -> Candidate:
    who = " and ".join(LOCAL[one.kind] for one in local)
    flags = " and ".join(f"--listen-{one.kind.value.removeprefix('local-')}-urls" for one in local)
    return Candidate(
        Finding(
            ONLY_LOCAL,
            Severity.WARNING,
            f"etcd@{facts.host}",
            f"etcd on {facts.host} listens for {who} on a loopback address only",
            "Other hosts connect to the host's address, where nothing listens, so their connections are refused.",
            tuple(f"it listens for {LOCAL[one.kind]} on {one.address}" for one in local),
            (
                *correct_settings(facts, "etcd", inventory),
                advice(
                    f"on {facts.host}: set {flags} of etcd to the host's address {facts.address}, then restart etcd"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _etcd(facts: HostFacts, exposures: tuple[Exposure, ...], inventory: Inventory) -> Candidate:
    kinds = " and ".join(dict.fromkeys(f"{one.kind}s" for one in exposures))
    return Candidate(
        Finding(
            "etcd.no-client-auth",
            Severity.WARNING,
            f"etcd@{facts.host}",
            f"etcd on {facts.host} accepts {kinds} without a certificate",
            "Anyone who reaches the port can read and write every object of the cluster, secrets included.",
            tuple(f"it listens for {one.kind}s on {one.address}" for one in exposures),
            (
                *correct_settings(facts, "etcd", inventory),
                advice(
                    f"on {facts.host}: set client-cert-auth and trusted-ca-file (for peers: peer-client-cert-auth "
                    "and peer-trusted-ca-file), then restart one member at a time"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _pages(facts: HostFacts, exposures: tuple[Exposure, ...]) -> Candidate:
    weak = any(one.kind is ExposureKind.PAGE_DEFAULT for one in exposures)
    how = "with a name and password from published examples" if weak else "without a password"
    return Candidate(
        Finding(
            "haproxy.default-credentials",
            Severity.WARNING,
            f"haproxy@{facts.host}",
            f"haproxy's statistics page on {facts.host} can be read {how}",
            "The page shows every server. With stats admin anyone in the network can drain them.",
            tuple(f"{one.detail}: {one.address}" for one in exposures),
            (
                advice(
                    f"in haproxy's configuration on {facts.host}: set another stats auth, or bind the page to "
                    "127.0.0.1; then reload haproxy"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )
