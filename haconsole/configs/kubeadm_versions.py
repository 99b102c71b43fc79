"""The operator's settings for kubeadm in the API version of its release.

v1beta4 has lists of arguments in place of mappings, and the time-out for control planes beside the ClusterConfiguration
(https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/). Older kubeadm ignores newer keys with a
warning, so these are found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

COMPONENTS = ("apiServer", "controllerManager", "scheduler")
TIMEOUT = "timeoutForControlPlane"
NEWER_KEYS = ("caCertificateValidityPeriod", "certificateValidityPeriod", "encryptionAlgorithm", "proxy")
"""Keys of the ClusterConfiguration since v1beta4."""


def has_lists(api: str) -> bool:
    """Whether this API version is v1beta4 or newer."""
    return not api.endswith(("v1beta2", "v1beta3"))


def cluster_settings(settings: Mapping[str, Any], api: str) -> dict[str, Any]:
    """Keys of the ClusterConfiguration, whichever version they were written for."""
    lists = has_lists(api)
    converted = {key: _component(part, lists=lists) if key in COMPONENTS else part for key, part in settings.items()}
    etcd = converted.get("etcd")
    if isinstance(etcd, dict) and "local" in etcd:
        converted["etcd"] = {**etcd, "local": _component(etcd["local"], lists=lists)}
    return converted


def timeouts(settings: Mapping[str, Any], api: str) -> dict[str, Any]:
    """The part `timeouts` of the configurations of init and join; empty before v1beta4."""
    server = settings.get("apiServer")
    value = server.get(TIMEOUT) if isinstance(server, dict) else None
    return {"timeouts": {"controlPlaneComponentHealthCheck": value}} if value and has_lists(api) else {}


def unknown_keys(settings: Mapping[str, Any], api: str) -> tuple[str, ...]:
    """Keys of the ClusterConfiguration that this API version does not have."""
    return () if has_lists(api) else tuple(_newer(settings))


def _newer(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in NEWER_KEYS if key in settings)
    for name in COMPONENTS:
        part = settings.get(name)
        if isinstance(part, dict) and "extraEnvs" in part:
            yield f"{name}.extraEnvs"
    dns = settings.get("dns")
    if isinstance(dns, dict) and "disabled" in dns:
        yield "dns.disabled"


def _component(part: Any, *, lists: bool) -> Any:
    if not isinstance(part, dict):
        return part
    converted = {key: value for key, value in part.items() if not (lists and key == TIMEOUT)}
    if "extraArgs" in converted:
        converted["extraArgs"] = _arguments(converted["extraArgs"], lists=lists)
    return converted


def _arguments(arguments: Any, *, lists: bool) -> Any:
    """Values are text in every version."""
    if isinstance(arguments, dict):
        pairs = [(str(name), _text(value)) for name, value in arguments.items()]
    elif isinstance(arguments, list) and all(isinstance(one, dict) and "name" in one for one in arguments):
        pairs = [(str(one["name"]), _text(one.get("value", ""))) for one in arguments]
    else:
        return arguments
    return [{"name": name, "value": value} for name, value in pairs] if lists else dict(pairs)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
