"""Which facts the inventory calls for on a host; all others stay NotAsked."""

from __future__ import annotations

from haconsole.configs.certificate_files import certificate_files
from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import FactName, Role
from haconsole.model.lock import LOCK_ROLES
from haconsole.probes.hosts.services import runs_kubelet, units_of


def expected_facts(layout: Layout, host: Host, *, certificates: bool, thorough: bool = False) -> tuple[FactName, ...]:
    """The facts that the roles of `host` call for; of a bastion only that it can be reached.

    `thorough` adds facts that cost a host more.
    """
    facts: list[FactName] = ["reach"]
    roles = set(host.roles)
    if roles <= {Role.BASTION}:
        return tuple(facts)
    facts += ["clock_offset_ms", "addresses", "disks", "system"]
    if units_of(layout, host):
        facts.append("services")
    if Role.ETCD in roles:
        facts.append("etcd")
    if Role.LOAD_BALANCER in roles:
        facts += _of_balancers(layout)
    if Role.CONTROL_PLANE in roles and layout.kubernetes:
        facts.append("apiserver")
    if runs_kubelet(layout, host):
        facts.append("kubelet")
    if roles & set(LOCK_ROLES):
        facts.append("lock")
    if thorough:
        facts += _costly(layout, roles)
    if certificates and (certificate_files(layout, host) or (layout.kubernetes and Role.WORKER in roles)):
        facts.append("certificates")
    return tuple(facts)


def _of_balancers(layout: Layout) -> tuple[FactName, ...]:
    facts: list[FactName] = []
    if layout.keepalived:
        facts.append("keepalived")
    if layout.haproxy:
        facts.append("haproxy")
    return (*facts, "balancer_files") if facts else ()


def _costly(layout: Layout, roles: set[Role]) -> tuple[FactName, ...]:
    configs: tuple[FactName, ...] = (
        ("configs",) if Role.LOAD_BALANCER in roles and (layout.haproxy or layout.keepalived) else ()
    )
    ports: tuple[FactName, ...] = ("peer_ports",) if roles & {Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER} else ()
    return (*configs, *ports)
