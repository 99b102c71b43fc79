"""Drains, kubeadm's list of control planes, and the secrets of a join, against an API in memory."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
import yaml

from haconsole.actions.checks import NodeStage
from haconsole.actions.operations import DrainNode, JoinNode
from haconsole.actions.step import Step
from haconsole.configs.kubeadm import join_config
from haconsole.execution.events import Outcome
from haconsole.execution.host.detached import DetachedCommands
from haconsole.execution.nodes.api import CONFIG, stage_problems
from haconsole.execution.nodes.changes import NodeDrain, forget, remember
from haconsole.execution.nodes.credentials import (
    SECRETS,
    delete_credentials,
    filled_in,
    make_credentials,
    store_token,
)
from haconsole.execution.nodes.join import NodeJoins, marks
from haconsole.execution.perform import in_silence
from haconsole.inventory.schema import Kubernetes
from haconsole.model.names import HostName, StepId
from haconsole.pki.bundle import key_hashes
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind
from haconsole.transport.kube_objects import Meta, Node, NodeConditionObject, NodeSpec, NodeStatus
from tests.fakes.cluster import NOW
from tests.fakes.kubeadm import INVENTORY
from tests.unit.execution.local import FastClock, LocalFleet, local_context

HOST = HostName("cp1")
BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."


CA = b"""\
-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIURQRmQ/7gHbyA95uJwDxkG0A+S1UwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjkxMzI2MTBaGA8yMTI2MTEw
NTEzMjYxMFowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABGRYV2I7hd+bw3iX6GIdmFBmmMDhMwjItJaz66LBY5G1oatqybb3
EbtubIwXPAFT0GKoBQkYxEGZhJozq6PlUcijUzBRMB0GA1UdDgQWBBT52iVsR+rj
7KRZkhWTyRYbyprSgjAfBgNVHSMEGDAWgBT52iVsR+rj7KRZkhWTyRYbyprSgjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICGZZl/RgS9AJOt5FMHa
kbCG+KuwPpBGqTLNKtM0b8STAiAQk/NH5bMynWE9DTiJVQy9Xe26WMoTIkeCDlP1
d6uzdg==
-----END CERTIFICATE-----
"""
CA_HASH = "c784829c66ddc1bc1be63d14ada7b7961ebaba1873a8a616de144e6f85efffac"


class MemoryApi:
    """The parts of an API server that changes of nodes use; `sent` are the changes as method and path."""

    def __init__(self, *pods: dict[str, Any], version: str = "v1.20.2") -> None:
        self.host = HOST
        self.pods = list(pods)
        self.messages: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.guarded: set[str] = set()
        self.objects: dict[str, Any] = {}
        self._version = version

    async def version(self) -> str:
        return self._version

    async def node(self, name: str, **_: object) -> Node | None:
        return Node(metadata=Meta(name=name))

    async def get(self, path: str, **_: object) -> bytes:
        if path.startswith("/api/v1/pods"):
            return json.dumps({"items": self.pods}).encode()
        if path not in self.objects:
            raise KubeError(HOST, KubeErrorKind.NOT_FOUND, f"GET {path}", "not found")
        return json.dumps(self.objects[path]).encode()

    async def send(self, method: str, path: str, document: object = None, **_: object) -> bytes:
        self.messages.append((method, path))
        self.bodies.append(document)
        match = re.fullmatch(r"/api/v1/namespaces/default/pods/([a-z0-9-]+)(/eviction)?", path)
        if match and match[2] and match[1] in self.guarded:
            raise KubeError(HOST, KubeErrorKind.TOO_MANY, f"POST {path}", BUDGET)
        if match:
            self.pods = [pod for pod in self.pods if pod["metadata"]["name"] != match[1]]
        return b"{}"


def pod(name: str, owner: str | None = "ReplicaSet", **annotations: str) -> dict[str, Any]:
    owners = [{"kind": owner, "name": "x"}] if owner else []
    meta = {"name": name, "namespace": "default", "uid": name, "annotations": annotations, "ownerReferences": owners}
    return {"metadata": meta, "status": {"phase": "Running"}}


async def drain(api: MemoryApi, *, force: bool = False, within_s: float = 30.0) -> tuple[Any, list[str]]:
    """The result of a drain, and what it reported meanwhile."""
    reports: list[str] = []

    async def tell(text: str) -> None:
        reports.append(text)

    operation = DrainNode("w1", (HOST,), force=force, within_s=within_s)
    return await NodeDrain(cast(KubeApi, api), operation, FastClock(), tell).run(), reports


async def test_pods_that_belong_to_the_node_stay() -> None:
    mirror = pod("etcd-w1", "Node", **{"kubernetes.io/config.mirror": "x"})
    api = MemoryApi(pod("web"), pod("proxy", "DaemonSet"), mirror)
    result, _ = await drain(api)
    assert result.outcome is Outcome.DONE
    assert api.messages[0] == ("PATCH", "/api/v1/nodes/w1")
    assert api.messages[1:] == [("POST", "/api/v1/namespaces/default/pods/web/eviction")]
    assert api.bodies[1]["apiVersion"] == "policy/v1beta1"


async def test_newer_clusters_take_evictions_of_v1() -> None:
    api = MemoryApi(pod("web"), version="v1.25.0")
    await drain(api)
    assert api.bodies[1]["apiVersion"] == "policy/v1"


async def test_a_disruption_budget_holds_the_drain_and_is_named() -> None:
    api = MemoryApi(pod("web"))
    api.guarded = {"web"}
    result, reports = await drain(api)
    assert result.outcome is Outcome.FAILED
    assert f"default/web: {BUDGET}" in result.error
    assert ("DELETE", "/api/v1/namespaces/default/pods/web") not in api.messages
    assert BUDGET in reports[0]
    forced, _ = await drain(api, force=True)
    assert forced.outcome is Outcome.DONE
    assert ("DELETE", "/api/v1/namespaces/default/pods/web") in api.messages


async def test_a_pod_without_a_controller_is_deleted_only_by_force() -> None:
    api = MemoryApi(pod("by-hand", None))
    result, _ = await drain(api)
    assert result.outcome is Outcome.FAILED
    assert "no controller would create default/by-hand again" in result.error
    assert api.pods != []
    forced, _ = await drain(api, force=True)
    assert (forced.outcome, api.pods) == (Outcome.DONE, [])


def config(*names: str) -> dict[str, Any]:
    endpoints = {name: {"advertiseAddress": "10.99.0.11", "bindPort": 6443} for name in names}
    status = yaml.safe_dump({"kind": "ClusterStatus", "apiEndpoints": endpoints})
    return {"metadata": {"resourceVersion": "7"}, "data": {"ClusterStatus": status, "ClusterConfiguration": "x: y"}}


async def test_a_control_plane_is_deleted_from_kubeadms_list_and_the_others_stay() -> None:
    api = MemoryApi()
    api.objects[CONFIG] = config("cp1", "cp2")
    await forget(cast(KubeApi, api), "cp1")
    assert api.messages == [("PATCH", CONFIG)]
    (patch,) = api.bodies
    assert patch["metadata"] == {"resourceVersion": "7"}
    assert list(yaml.safe_load(patch["data"]["ClusterStatus"])["apiEndpoints"]) == ["cp2"]
    await forget(cast(KubeApi, api), "cp9")
    assert len(api.messages) == 1


async def test_newer_kubeadm_keeps_no_list() -> None:
    api = MemoryApi()
    api.objects[CONFIG] = {"metadata": {"resourceVersion": "7"}, "data": {"ClusterConfiguration": "x: y"}}
    await forget(cast(KubeApi, api), "cp1")
    await remember(cast(KubeApi, api), "cp1", "10.99.0.11", 6443)
    assert api.messages == []


def test_secrets_are_filled_in_and_every_ca_is_pinned() -> None:
    credentials = make_credentials()
    text = join_config(INVENTORY, INVENTORY.hosts[1], "1.20.2")
    document = yaml.safe_load(filled_in(text, credentials, ("sha256:aa", "sha256:bb")))
    token = document["discovery"]["bootstrapToken"]
    assert re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token["token"])
    assert token["caCertHashes"] == ["sha256:aa", "sha256:bb"]
    assert re.fullmatch(r"[0-9a-f]{64}", document["controlPlane"]["certificateKey"])
    assert make_credentials().token != credentials.token
    assert credentials.token.reveal() not in repr(credentials)


async def test_only_the_tokens_of_this_nodes_joins_are_deleted_and_the_upload_with_its_owner() -> None:
    api = MemoryApi()
    credentials = make_credentials()
    await store_token(cast(KubeApi, api), "cp3", credentials.token, NOW)
    stored = api.bodies[0]
    assert stored["stringData"]["expiration"] == "2026-03-01T03:30:00Z"
    assert credentials.token.reveal() not in api.messages[0][1]

    def token(name: str, description: str) -> dict[str, Any]:
        data = {"description": base64.b64encode(description.encode()).decode()}
        return {"metadata": {"name": name}, "data": data}

    own, other = (
        token("bootstrap-token-aaaaaa", stored["stringData"]["description"]),
        token("bootstrap-token-bb", "ops"),
    )
    api.objects[f"{SECRETS}?fieldSelector=type=bootstrap.kubernetes.io/token"] = {"items": [own, other]}
    api.objects[f"{SECRETS}/kubeadm-certs"] = {
        "metadata": {"name": "kubeadm-certs", "ownerReferences": [{"name": "bootstrap-token-cc"}]}
    }
    await delete_credentials(cast(KubeApi, api), "cp3", upload=True)
    deleted = [path.rpartition("/")[2] for method, path in api.messages if method == "DELETE"]
    assert deleted == ["bootstrap-token-aaaaaa", "bootstrap-token-cc", "kubeadm-certs"]


def node(ready: str, *, cordoned: bool = False, message: str = "", **labels: str) -> Node:
    return Node(
        metadata=Meta(name="cp3", labels={f"node-role.kubernetes.io/{name}": "" for name in labels}),
        spec=NodeSpec(unschedulable=cordoned),
        status=NodeStatus(conditions=(NodeConditionObject(type="Ready", status=ready, message=message),)),
    )


CASES: dict[str, tuple[NodeStage, Callable[[], Node | None], str]] = {
    "deleted": (NodeStage.GONE, lambda: None, ""),
    "still there": (NodeStage.GONE, lambda: node("True"), "the API still has node cp3"),
    "gone counts as drained": (NodeStage.DRAINED, lambda: None, ""),
    "not cordoned": (NodeStage.DRAINED, lambda: node("True"), "is not cordoned"),
    "unregistered": (NodeStage.REGISTERED, lambda: None, "the API has no node cp3"),
    "registered": (NodeStage.REGISTERED, lambda: node("False"), ""),
    "no network": (
        NodeStage.READY,
        lambda: node("False", message="NetworkReady=false cni plugin not initialized"),
        "set kubernetes.kubeadm.cni",
    ),
    "not marked": (NodeStage.MARKED, lambda: node("False"), "has no control-plane label"),
    "marked, not ready": (NodeStage.MARKED, lambda: node("False", master=""), ""),
    "no label": (NodeStage.CONTROL_PLANE, lambda: node("True"), "has no control-plane label"),
    "a control plane": (NodeStage.CONTROL_PLANE, lambda: node("True", master=""), ""),
}


@pytest.mark.parametrize("name", CASES)
def test_stages_of_a_node(name: str) -> None:
    stage, result, words = CASES[name]
    problems = "; ".join(stage_problems("cp3", stage, result()))
    assert words in problems
    assert bool(problems) is bool(words)


@pytest.mark.parametrize(
    ("version", "labels", "taints"),
    [
        ("v1.20.2", {"control-plane", "master"}, {"master"}),
        ("v1.24.0", {"control-plane"}, {"control-plane", "master"}),
        ("v1.31.4", {"control-plane"}, {"control-plane"}),
    ],
)
def test_labels_and_taints_are_those_of_the_release(version: str, labels: set[str], taints: set[str]) -> None:
    patch = marks(version)
    assert {name.rpartition("/")[2] for name in patch["metadata"]["labels"]} == labels
    assert {one["key"].rpartition("/")[2] for one in patch["spec"]["taints"]} == taints


def test_the_hash_of_a_ca_is_that_of_openssl() -> None:
    # openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum
    assert key_hashes(CA) == ("sha256:" + CA_HASH,)


async def test_a_registered_worker_that_is_not_ready_is_not_joined_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Node object would be deleted, and kubeadm refuses a host with kubelet's kubeconfig."""
    api = MemoryApi()

    @asynccontextmanager
    async def any_api(*_: object) -> AsyncIterator[MemoryApi]:
        yield api

    monkeypatch.setattr("haconsole.execution.nodes.join.any_api", any_api)
    kubernetes = msgspec.structs.replace(
        INVENTORY.kubernetes or Kubernetes(), config_dir=str(tmp_path), pki_dir=str(tmp_path)
    )
    inventory = msgspec.structs.replace(INVENTORY, kubernetes=kubernetes)
    context = local_context(inventory, LocalFleet("w1", HOST), FastClock(), tmp_path)
    (tmp_path / "kubelet.conf").touch()
    (tmp_path / "ca.crt").write_bytes(CA)
    operation = JoinNode("w1", "config", "", (HOST,))
    step = Step(StepId("kubeadm.join@w1"), "Join w1", "It is a worker.", HostName("w1"), operation)

    def no_commands(host: HostName) -> DetachedCommands:
        raise AssertionError(f"a command was started on {host}")

    result = await NodeJoins(context, no_commands).perform(step, operation, 1, "end", in_silence)
    assert result.outcome is Outcome.DONE
    assert api.messages == []
    (tmp_path / "kubelet.conf").unlink()
    with pytest.raises(AssertionError, match="a command was started on w1"):
        await NodeJoins(context, no_commands).perform(step, operation, 1, "end", in_silence)
    assert ("DELETE", "/api/v1/nodes/w1") in api.messages
