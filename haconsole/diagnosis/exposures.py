"""Rules about ports that serve everybody: etcd without client certificates, and haproxy's statistics page."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate
from haconsole.diagnosis.remedies import advice
from haconsole.diagnosis.setups import correct_settings
from haconsole.inventory.schema import EtcdTls, Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import Exposure, ExposureKind

OF_ETCD = (ExposureKind.CLIENT, ExposureKind.PEER)


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about every host; an etcd that has no TLS by the inventory has a finding of its own."""
    for facts in snapshot.hosts:
        exposures = value_of(facts.exposures) or ()
        of_etcd = tuple(one for one in exposures if one.kind in OF_ETCD)
        pages = tuple(one for one in exposures if one.kind not in OF_ETCD)
        if of_etcd and inventory.etcd.tls is not EtcdTls.OFF:
            yield _etcd(facts, of_etcd, inventory)
        if pages:
            yield _pages(facts, pages)


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
                    f"on {facts.host}: set client-cert-auth and trusted-ca-file (for peers with the prefix peer-), "
                    "then restart one member at a time"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _pages(facts: HostFacts, exposures: tuple[Exposure, ...]) -> Candidate:
    weak = any(one.kind is ExposureKind.PAGE_DEFAULT for one in exposures)
    how = "with a name and password of examples" if weak else "without a password"
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
