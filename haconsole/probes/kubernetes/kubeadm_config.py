"""kubeadm's own record of a cluster: the ConfigMap kube-system/kubeadm-config."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind

_PATH = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"


async def cluster_configuration(api: KubeApi, deadline_s: float = 15.0) -> ClusterConfiguration | None:
    """kubeadm's record; None where kubeadm did not make the cluster. Raises KubeError where it cannot be read."""
    try:
        body = await api.get(_PATH, deadline_s=deadline_s)
    except KubeError as error:
        if error.kind is KubeErrorKind.NOT_FOUND:
            return None
        raise
    entries = _entries(body)
    return parse(entries.get("ClusterConfiguration", ""), entries.get("ClusterStatus", ""))


def parse(text: str, status: str = "") -> ClusterConfiguration | None:
    """The ClusterConfiguration and the ClusterStatus as kubeadm stores them; None for what is no configuration."""
    document = _document(text)
    if document.get("kind") != "ClusterConfiguration":
        return None
    networks, external = _part(document, "networking"), _part(_part(document, "etcd"), "external")
    endpoints = external.get("endpoints")
    return ClusterConfiguration(
        version=_word(document, "kubernetesVersion"),
        endpoint=_word(document, "controlPlaneEndpoint"),
        pod_cidr=_word(networks, "podSubnet"),
        service_cidr=_word(networks, "serviceSubnet"),
        certificates_dir=_word(document, "certificatesDir"),
        external_etcd=tuple(map(str, endpoints)) if isinstance(endpoints, list) else (),
        control_planes=tuple(map(str, _part(_document(status), "apiEndpoints"))),
    )


class _Map(msgspec.Struct, frozen=True, kw_only=True):
    data: dict[str, str] = {}


def _entries(body: bytes) -> dict[str, str]:
    try:
        return msgspec.json.decode(body, type=_Map).data
    except msgspec.DecodeError:
        return {}


def _document(text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _word(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return str(value) if isinstance(value, str | int | float) else ""
