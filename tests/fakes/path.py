"""A snapshot with everything that the path of a request needs: measured requests and the API servers' etcd servers."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import NOW

URLS = tuple(f"https://10.99.0.1{n}:2379" for n in (1, 2, 3))


def on_path(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """Requests take 4 ms; API servers that answer use all members."""
    return replace(
        snapshot, hosts=tuple(map(_measured, snapshot.hosts)), endpoint_ms=Known(4.3, NOW, via=snapshot.hosts[0].host)
    )


def _measured(facts: HostFacts) -> HostFacts:
    if not isinstance(facts.apiserver, Known):
        return facts
    api = replace(facts.apiserver, value=replace(facts.apiserver.value, etcd_servers=URLS))
    return replace(facts, apiserver=api, apiserver_ms=Known(3.9, NOW))
