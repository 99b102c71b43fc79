"""kubeadm's own record of a cluster: the ClusterConfiguration in the ConfigMap kube-system/kubeadm-config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind

_PATH = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"


@dataclass(frozen=True, slots=True)
class ClusterConfiguration:
    """kubeadm's settings of the cluster (kubeadm-config API, v1beta2 to v1beta4); empty where there are none."""

    version: str = ""
    endpoint: str = ""
    """``controlPlaneEndpoint``, an address or name with an optional port."""
    pod_cidr: str = ""
    service_cidr: str = ""
    certificates_dir: str = ""
    external_etcd: tuple[str, ...] = ()
    """Client URLs of an etcd that kubeadm does not run."""


async def cluster_configuration(api: KubeApi) -> ClusterConfiguration | None:
    """kubeadm's record; None where kubeadm did not make the cluster. Raises KubeError where it cannot be read."""
    try:
        body = await api.get(_PATH)
    except KubeError as error:
        if error.kind is KubeErrorKind.NOT_FOUND:
            return None
        raise
    return parse(_text(body))


def parse(text: str) -> ClusterConfiguration | None:
    """The ClusterConfiguration as kubeadm stores it; None for what is none."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("kind") != "ClusterConfiguration":
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
    )


class _Map(msgspec.Struct, frozen=True, kw_only=True):
    data: dict[str, str] = {}


def _text(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Map).data.get("ClusterConfiguration", "")
    except msgspec.DecodeError:
        return ""


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _word(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return str(value) if isinstance(value, str | int | float) else ""
