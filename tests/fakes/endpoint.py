"""A cluster whose endpoint is a balancer outside of the inventory."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.model.hosts import EndpointAnswers, HostFacts, Role
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.certified import certificate
from tests.fakes.cluster import INVENTORY, NOW

ADDRESS = "api.example.org:6443"


def behind_endpoint(snapshot: ClusterSnapshot, *presented: str) -> ClusterSnapshot:
    """Without VIPs; each control plane has the certificate `apiserver@HOST`, each host was presented `presented`."""
    return replace(snapshot, hosts=tuple(_facts(facts, presented) for facts in snapshot.hosts), vips=())


def _facts(facts: HostFacts, presented: tuple[str, ...]) -> HostFacts:
    host = INVENTORY.find(facts.host)
    assert host is not None
    own = certificate(host, "apiserver", "/etc/kubernetes/pki/apiserver.crt", f"apiserver@{facts.host}")
    certificates = Known((own,) if facts.has(Role.CONTROL_PLANE) else (), NOW)
    return replace(facts, certificates=certificates, endpoint_answers=EndpointAnswers(ADDRESS, presented))
