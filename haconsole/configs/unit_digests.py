"""The digests of the unit and environment files as this console writes them, to find those that were changed."""

from __future__ import annotations

from hashlib import sha256

from haconsole.configs.etcd import etcd_env, etcd_unit
from haconsole.configs.kubernetes import apiserver_unit, controller_manager_unit, scheduler_unit
from haconsole.configs.layout import Layout, layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role

_FIRST_START_ONLY = ("ETCD_INITIAL_CLUSTER", "ETCD_DISCOVERY")


def unit_digests(inventory: Inventory, host: Host) -> dict[str, str]:
    """SHA-256 by path of the files that bootstrap writes on `host`; none of units that something else manages."""
    places = layout(inventory)
    texts = {**_of_etcd(inventory, host, places), **_of_kubernetes(inventory, host, places)}
    return {path: digest(text) for path, text in texts.items()}


def digest(text: str) -> str:
    """The digest of a file without etcd's initial cluster and discovery: etcd reads them only for its first start."""
    lines = (line for line in text.splitlines(keepends=True) if not line.startswith(_FIRST_START_ONLY))
    return sha256("".join(lines).encode()).hexdigest()


def _of_etcd(inventory: Inventory, host: Host, places: Layout) -> dict[str, str]:
    etcd = places.etcd
    if Role.ETCD not in host.roles or etcd.unit_file is None or etcd.env_file is None:
        return {}
    return {etcd.unit_file: etcd_unit(inventory), etcd.env_file: etcd_env(inventory, host)}


def _of_kubernetes(inventory: Inventory, host: Host, places: Layout) -> dict[str, str]:
    if Role.CONTROL_PLANE not in host.roles or places.kubernetes is None:
        return {}
    texts = (apiserver_unit(inventory, host), controller_manager_unit(inventory), scheduler_unit(inventory))
    pairs = zip(places.kubernetes.components, texts, strict=True)
    return {component.unit_file: text for component, text in pairs if component.unit_file}
