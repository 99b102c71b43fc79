"""Rules about ports: no two programs of one host may use the same."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from haconsole.inventory import effective
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.roles import Role


class Claim(msgspec.Struct, frozen=True):
    """A program that listens on `port`; `where` is its key, empty for a port that cannot be chosen here."""

    port: int
    name: str
    where: tuple[str, ...] = ()


def ports_are_free(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    known_pairs: set[tuple[str, str]] = set()
    for host in inventory.hosts:
        claims: dict[int, Claim] = {}
        for claim in _claims(inventory, host):
            other = claims.setdefault(claim.port, claim)
            if other is claim or (other.name, claim.name) in known_pairs:
                continue
            known_pairs.add((other.name, claim.name))
            places = [each.where for each in (claim, other) if each.where and each.where in marks.values]
            what = f"on host {host.name} both {other.name} and {claim.name} want port {claim.port}"
            yield Fault(marks.at(*(places or [claim.where])[0]), what, _other_port(claim, other))


def _claims(inventory: Inventory, host: Host) -> Iterator[Claim]:
    ssh = effective.ssh_for(inventory, host)
    if host.ssh_address is None:
        yield Claim(ssh.port, "sshd", ("ssh", "port"))
    if Role.ETCD in host.roles:
        etcd = inventory.etcd
        yield Claim(etcd.client_port, "etcd (etcd.client_port)", ("etcd", "client_port"))
        yield Claim(etcd.peer_port, "etcd (etcd.peer_port)", ("etcd", "peer_port"))
        if etcd.metrics_port is not None:
            yield Claim(etcd.metrics_port, "etcd (etcd.metrics_port)", ("etcd", "metrics_port"))
    if inventory.kubernetes is not None and Role.CONTROL_PLANE in host.roles:
        yield Claim(inventory.kubernetes.api_port, "kube-apiserver (kubernetes.api_port)", ("kubernetes", "api_port"))
        yield Claim(10257, "kube-controller-manager")
        yield Claim(10259, "kube-scheduler")
    if inventory.kubernetes is not None and {Role.CONTROL_PLANE, Role.WORKER} & set(host.roles):
        yield Claim(10250, "kubelet")
    balancer = effective.haproxy(inventory)
    if balancer is not None and Role.LOAD_BALANCER in host.roles:
        yield Claim(balancer.bind_port, "haproxy (haproxy.bind_port)", ("haproxy", "bind_port"))
        yield Claim(balancer.health_port, "haproxy (haproxy.health_port)", ("haproxy", "health_port"))


def _other_port(claim: Claim, other: Claim) -> str:
    if {claim.where, other.where} == {("kubernetes", "api_port"), ("haproxy", "bind_port")}:
        return "choose another `bind_port`, e.g. 8443, or run haproxy on hosts without a control plane"
    return "choose another port for one of them"
