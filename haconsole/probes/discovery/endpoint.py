"""Finds the balancer of a cluster whose own hosts run none: the host that has the endpoint's address."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec.structs import replace

from haconsole.errors import HaconsoleError
from haconsole.probes.discovery import balancer
from haconsole.probes.discovery.ask import read_host
from haconsole.probes.discovery.draft import own_address
from haconsole.probes.discovery.host_report import HostReport, Others, url_of
from haconsole.transport.base import HostTransport

_OWN = ("", "localhost", "127.0.0.1", "::1")


async def with_balancer(
    report: HostReport, others: Others, hosts: Collection[str], reach: Callable[[str], HostTransport]
) -> Others:
    """`others` with the balancer at the endpoint, unless a known host has the endpoint's address.

    `hosts` are the addresses of all known hosts; `reach` takes an address or a DNS name.
    """
    reports = (report, *others.hosts.values())
    endpoint = _endpoint(report, others)
    known = {*hosts, *(one.partition("/")[0] for each in reports for one in each.addresses)}
    if endpoint in known or endpoint in _OWN:
        return others
    try:
        front = await read_host(reach(endpoint))
    except HaconsoleError:
        return others if any(map(_balances, reports)) else _outside(others, endpoint)
    address = own_address(front)
    if address in known:
        return others
    if not _leads_to(front, endpoint, known):
        return _outside(others, endpoint)
    return replace(others, hosts={**others.hosts, address: front})


def _endpoint(report: HostReport, others: Others) -> str:
    """Address or name, by kubeadm's record of the cluster, else by the administrator's kubeconfig."""
    recorded = others.kubeadm.endpoint if others.kubeadm else ""
    return url_of(f"//{recorded}" if recorded else report.server).host or ""


def _balances(report: HostReport) -> bool:
    runs_one = balancer.balanced_api(report) is not None or bool(balancer.instances(report))
    return runs_one or report.kube_vip is not None


def _leads_to(report: HostReport, endpoint: str, hosts: Collection[str]) -> bool:
    """Whether haproxy of this host has servers on the cluster's hosts, or keepalived moves the endpoint."""
    api = balancer.balanced_api(report)
    servers = [address for _, address in api.servers] if api else []
    return endpoint in balancer.virtual(report) or any(address in hosts for address in servers)


def _outside(others: Others, endpoint: str) -> Others:
    note = f"{endpoint}: this endpoint is on no known host and could not be read over SSH, so its balancer is left out"
    return replace(others, notes=(*others.notes, note))
