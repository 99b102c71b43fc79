"""The node probe's reading of kubeadm's ConfigMaps, as kubeadm 1.20 stored them, from a server over real TLS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Host
from haconsole.model.kubeadm import ClusterConfiguration, ClusterInfo, KubeletConfiguration
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, NotAsked, Observed, value_of
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.fact_store import FactStore
from haconsole.probes.kubernetes import nodes
from haconsole.probes.kubernetes.kubeadm_config import kubelet_config_name, parse_cluster_info, parse_kubelet
from haconsole.probes.kubernetes.nodes import NodeProbe
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.kubeconfig import KubeCredentials
from tests.fakes import cluster
from tests.fakes.cluster import NOW
from tests.fakes.kube_server import KubeServer, serving
from tests.fakes.kubeadm import INVENTORY
from tests.fakes.transport import FakeFleet
from tests.fakes.waiting import eventually
from tests.programs.etcd import Tls, make_tls
from tests.programs.pump import forward

STORED = Path(__file__).parent / "config_maps"
SYSTEM, PUBLIC = "/api/v1/namespaces/kube-system/configmaps", "/api/v1/namespaces/kube-public/configmaps"
CONFIG, KUBELET, INFO = (
    f"{SYSTEM}/kubeadm-config",
    f"{SYSTEM}/kubelet-config-1.20",
    f"{PUBLIC}/cluster-info",
)
NEWER = STORED / "1.36"
"""Documents of Kubernetes 1.36.2: kubeadm's ConfigMaps, and the Nodes and Leases of a control plane and a worker."""
NEWER_CA = "23fad37c2bfdafcb19239db42250deaae03835f2ec096c9a42beb0cbbf122f16"
CA = "43a04336eef906dcaff0a1d19b8bc08ab2d28a5b2aee1b1f91427db77925740d"
RECORD = ClusterConfiguration(
    "v1.20.2",
    "10.99.3.100:8443",
    "10.244.0.0/16",
    "10.112.0.0/16",
    "/etc/kubernetes/pki",
    control_planes=("cp1", "cp2", "cp3"),
    cluster_info=ClusterInfo("https://10.99.3.100:8443", (CA,)),
    kubelet=KubeletConfiguration("kubelet-config-1.20", "cgroupfs", True, False),
)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"), ("DNS:kubernetes", "IP:127.0.0.1"))


@pytest.fixture
def server(tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeServer]:
    """The API server of every host, with kubeadm's ConfigMaps."""
    credentials = KubeCredentials(tls.client.ca, tls.client.cert, tls.client.key)
    with serving(tls) as started, forward(tmp_path, started.port) as socket:

        @asynccontextmanager
        async def kube_on(context: ClusterContext, host: Host) -> AsyncIterator[KubeApi]:
            async with await KubeApi.open(HostName(host.name), socket, credentials) as api:
                yield api

        monkeypatch.setattr(nodes, "kube_on", kube_on)
        monkeypatch.setattr(nodes, "_LEASES_WITHIN_S", 30.0)  # this machine may be busy
        for path in (CONFIG, KUBELET, INFO):
            started.answers[path] = (200, (STORED / f"{path.rpartition('/')[2]}.json").read_text())
        started.answers["/api/v1/nodes"] = (200, '{"metadata":{},"items":[{"metadata":{"name":"w1"}}]}')
        yield started


async def read() -> Observed[ClusterConfiguration | None]:
    store = FactStore(INVENTORY, lambda: NOW)
    context = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), lambda: NOW, b"", ProbeTimings())
    await NodeProbe(context, store).once()
    assert [node.name for node in value_of(store.snapshot().nodes) or ()] == ["w1"]
    return store.snapshot().kubeadm


async def test_the_records_are_read_with_the_nodes(server: KubeServer) -> None:
    assert await read() == Known(RECORD, NOW)


async def test_a_cluster_without_records_was_not_made_by_kubeadm(server: KubeServer) -> None:
    del server.answers[CONFIG]
    assert await read() == Known(None, NOW)


async def test_newer_clusters_name_no_version_in_kubelet_config(server: KubeServer) -> None:
    server.answers[f"{SYSTEM}/kubelet-config"] = server.answers.pop(KUBELET)
    record = value_of(await read())
    assert record is not None
    assert record.kubelet == KubeletConfiguration("kubelet-config", "cgroupfs", True, False)


async def test_what_kubernetes_1_36_stores(server: KubeServer) -> None:
    del server.answers[KUBELET]
    for path in (CONFIG, f"{SYSTEM}/kubelet-config", INFO):
        server.answers[path] = (200, (NEWER / f"{path.rpartition('/')[2]}.json").read_text())
    server.answers["/api/v1/nodes"] = (200, (NEWER / "nodes.json").read_text())
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    server.answers[leases] = (200, (NEWER / "leases.json").read_text())
    store = FactStore(INVENTORY, lambda: NOW)
    context = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), lambda: NOW, b"", ProbeTimings())
    await NodeProbe(context, store).once()
    assert value_of(store.snapshot().kubeadm) == ClusterConfiguration(
        "v1.36.2",
        "10.99.2.100:8443",
        "10.244.0.0/16",
        "10.112.0.0/16",
        "/etc/kubernetes/pki",
        cluster_info=ClusterInfo("https://10.99.2.100:8443", (NEWER_CA,)),
        kubelet=KubeletConfiguration("kubelet-config", "cgroupfs", True, False),
    )
    nodes_read = value_of(store.snapshot().nodes) or ()
    assert [(one.name, one.control_plane, one.ready, one.kubelet_version, one.taints) for one in nodes_read] == [
        ("cp1", True, True, "v1.36.2", ("node-role.kubernetes.io/control-plane:NoSchedule",)),
        ("w1", False, True, "v1.36.2", ()),
    ]
    assert [one.renewed_at for one in nodes_read] == [
        datetime(2026, 11, 30, 17, 28, 10, 777452, UTC),
        datetime(2026, 11, 30, 17, 28, 10, 601217, UTC),
    ]
    assert not any(one.abnormal for one in nodes_read)


async def test_records_that_an_administrator_removed_are_none(server: KubeServer) -> None:
    """cluster-info is deleted by some hardening guides."""
    del server.answers[INFO], server.answers[KUBELET]
    record = value_of(await read())
    assert record is not None
    assert (record.cluster_info, record.kubelet, record.version) == (None, None, "v1.20.2")


@pytest.mark.parametrize("path", [CONFIG, KUBELET, INFO])
async def test_a_record_that_cannot_be_read_is_unknown_and_the_nodes_are_not(server: KubeServer, path: str) -> None:
    server.answers[path] = (403, '{"kind":"Status","message":"configmaps is forbidden","code":403}')
    record = await read()
    assert isinstance(record, Failed)
    assert "forbidden" in record.reason


async def test_the_records_are_read_once_while_the_nodes_are_listed_again(server: KubeServer) -> None:
    store = FactStore(INVENTORY, lambda: NOW)
    timings = ProbeTimings(nodes_s=0.02, reopen_s=0.02)
    context = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), lambda: NOW, b"", timings)
    following = asyncio.create_task(NodeProbe(context, store).follow())
    try:
        await eventually(lambda: server.requests.count("/api/v1/nodes") > 4)
    finally:
        following.cancel()
    assert [server.requests.count(path) for path in (CONFIG, KUBELET, INFO)] == [1, 1, 1]


async def test_no_records_are_read_of_clusters_that_kubeadm_did_not_make(server: KubeServer) -> None:
    store = FactStore(cluster.INVENTORY, lambda: NOW)
    context = ClusterContext(
        cluster.INVENTORY, layout(cluster.INVENTORY), FakeFleet(), lambda: NOW, b"", ProbeTimings()
    )
    await NodeProbe(context, store).once()
    assert isinstance(store.snapshot().kubeadm, NotAsked)
    assert not any("configmaps" in path for path in server.requests)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("v1.20.2", "kubelet-config-1.20"),
        ("v1.23.17", "kubelet-config-1.23"),
        ("v1.24.0", "kubelet-config"),
        ("v1.36.1", "kubelet-config"),
        ("", "kubelet-config"),
    ],
)
def test_the_name_of_kubelet_config(version: str, name: str) -> None:
    assert kubelet_config_name(version) == name


@pytest.mark.parametrize(
    "text", ["", "[", "- 1", "clusters: 3", "clusters: []", "clusters: [1]", "clusters: [{cluster: 1}]"]
)
def test_what_is_no_cluster_info(text: str) -> None:
    assert parse_cluster_info(text) is None
    assert parse_kubelet("kubelet-config", text) is None


@pytest.mark.parametrize("data", ["''", "no base64", "bm8gUEVN"])
def test_a_cluster_info_without_a_certificate(data: str) -> None:
    text = f"clusters: [{{cluster: {{server: https://a:6443, certificate-authority-data: {data}}}}}]"
    assert parse_cluster_info(text) == ClusterInfo("https://a:6443", ())


def test_the_ca_is_the_one_that_openssl_reads() -> None:
    """Its fingerprint by hand: openssl x509 -noout -fingerprint -sha256."""
    text = json.loads((STORED / "cluster-info.json").read_text())["data"]["kubeconfig"]
    assert parse_cluster_info(text) == RECORD.cluster_info
