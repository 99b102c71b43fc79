"""kubeadm's own records of a cluster: the ConfigMaps kubeadm-config, kubelet-config and cluster-info."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from haconsole.model.kubeadm import ClusterConfiguration, ClusterInfo, KubeletConfiguration
from haconsole.pki.inspect import inspect
from haconsole.transport.kube_api import KubeApi, KubeError, KubeErrorKind

_SYSTEM, _PUBLIC = "kube-system", "kube-public"
_KUBELET = "kubelet-config"
_UNVERSIONED = 24
"""The first minor version whose kubelet-config has no version in its name; a feature gate of 1.23 does the same."""


async def _cluster_configuration(api: KubeApi, deadline_s: float) -> ClusterConfiguration | None:
    """kubeadm-config; None where kubeadm did not make the cluster. Raises KubeError where it cannot be read."""
    entries = await _config_map(api, _SYSTEM, "kubeadm-config", deadline_s)
    return parse(entries.get("ClusterConfiguration", ""), entries.get("ClusterStatus", ""))


async def kubeadm_records(api: KubeApi, deadline_s: float) -> ClusterConfiguration | None:
    """kubeadm-config with the records for hosts that join. Raises KubeError where one cannot be read."""
    record, info, kubelet = await asyncio.gather(
        _cluster_configuration(api, deadline_s),
        _config_map(api, _PUBLIC, "cluster-info", deadline_s),
        _config_map(api, _SYSTEM, _KUBELET, deadline_s),
    )
    if record is None:
        return None
    name = kubelet_config_name(record.version)
    if not kubelet and name != _KUBELET:
        kubelet = await _config_map(api, _SYSTEM, name, deadline_s)
    else:
        name = _KUBELET
    return replace(
        record,
        cluster_info=parse_cluster_info(info.get("kubeconfig", "")),
        kubelet=parse_kubelet(name, kubelet.get("kubelet", "")),
    )


async def _config_map(api: KubeApi, namespace: str, name: str, deadline_s: float) -> dict[str, str]:
    """The entries; none where there is no such ConfigMap."""
    try:
        body = await api.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}", deadline_s=deadline_s)
    except KubeError as error:
        if error.kind is KubeErrorKind.NOT_FOUND:
            return {}
        raise
    return _entries(body)


def kubelet_config_name(version: str) -> str:
    """The name that kubeadm of this version gives kubelet-config."""
    match = re.match(r"v?1\.(\d+)", version)
    return f"{_KUBELET}-1.{match[1]}" if match and int(match[1]) < _UNVERSIONED else _KUBELET


def parse_cluster_info(text: str) -> ClusterInfo | None:
    """The kubeconfig of cluster-info; None for what names no server."""
    clusters = _document(text).get("clusters")
    first = clusters[0] if isinstance(clusters, list) and clusters else None
    cluster = _part(first, "cluster") if isinstance(first, dict) else {}
    server = _word(cluster, "server")
    try:
        pem = base64.b64decode(_word(cluster, "certificate-authority-data"), validate=True)
    except binascii.Error:
        pem = b""
    return ClusterInfo(server, tuple(one.fingerprint for one in inspect(pem))) if server else None


def parse_kubelet(name: str, text: str) -> KubeletConfiguration | None:
    """The KubeletConfiguration in the ConfigMap `name`; None for what is none."""
    document = _document(text)
    if document.get("kind") != "KubeletConfiguration":
        return None
    return KubeletConfiguration(
        name,
        _word(document, "cgroupDriver"),
        _truth(document, "rotateCertificates"),
        _truth(document, "failSwapOn"),
    )


def _truth(document: dict[str, Any], name: str) -> bool | None:
    value = document.get(name)
    return value if isinstance(value, bool) else None


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
