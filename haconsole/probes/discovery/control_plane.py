"""Finds a control plane of the cluster when discovery starts on a host without an API server.

etcd holds the addresses of the API servers that use it. A worker's kubelet has credentials for the API at the endpoint
of its kubeconfig, which names the nodes; a balancer's haproxy has the addresses of the API servers.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

import msgspec

from haconsole.errors import HaconsoleError
from haconsole.inventory.importers.draft import address_of
from haconsole.model.names import HostName
from haconsole.probes.discovery import balancer
from haconsole.probes.discovery.ask import read_host
from haconsole.probes.discovery.draft import internal_address, is_control_plane
from haconsole.probes.discovery.host_report import API, ETCD, KUBELET, HostReport, url_of
from haconsole.probes.files import read_files
from haconsole.transport.base import HostTransport
from haconsole.transport.kube_api import KubeApi
from haconsole.transport.kubeconfig import credentials_of, files_named

_DEADLINE_S = 10.0
_MOST = 8
"""Number of hosts to try; more would only keep a person waiting."""


class Search(msgspec.Struct, frozen=True):
    """`report` is the control plane's own report; `notes` are reasons why hosts and the API could not be queried."""

    report: HostReport | None = None
    notes: tuple[str, ...] = ()


async def find_control_plane(
    first: HostReport,
    transport: HostTransport,
    reach: Callable[[str], HostTransport | None],
    of_etcd: tuple[str, ...] = (),
) -> Search:
    """Look for a host that runs an API server; `reach` is the way to another address, None where there is none.

    `of_etcd` are the addresses of API servers by the etcd on this host.
    """
    if API in first.programs or (ETCD in first.programs and not of_etcd):
        return Search()
    notes: list[str] = []
    waiting, visited = [*of_etcd, *await _addresses(first, transport, notes)], set[str]()
    while waiting and len(visited) < _MOST:
        address = waiting.pop(0)
        way = reach(address) if address not in visited else None
        visited.add(address)
        if way is None:
            continue
        try:
            report = await read_host(way)
        except HaconsoleError as error:
            notes.append(str(error))
            continue
        if API in report.programs:
            return Search(report)
        waiting += [server for _, server in _servers(report)]
    return Search(None, tuple(notes))


async def _addresses(report: HostReport, transport: HostTransport, notes: list[str]) -> tuple[str, ...]:
    """Where control planes may be: behind haproxy, among the nodes, and at the endpoint itself."""
    addresses = [address for _, address in _servers(report)]
    if KUBELET in report.programs and report.server:
        try:
            addresses += await _planes(report, transport)
        except HaconsoleError as error:
            notes.append(
                f"the API at {report.server} did not answer a request made with kubelet's client certificate: {error}"
            )
        addresses.append(url_of(report.server).host or "")
    own = {one.partition("/")[0] for one in report.addresses}
    return tuple(dict.fromkeys(one for one in addresses if address_of(one) and one not in own))


async def _planes(report: HostReport, transport: HostTransport) -> list[str]:
    """The control planes' addresses among the nodes, from the API at kubelet's endpoint, through the host."""
    server = url_of(report.server)
    kubeconfig = (await _read(transport, report.kubeconfig))[report.kubeconfig]
    folder = posixpath.dirname(report.kubeconfig)
    files = await _read(transport, *files_named(kubeconfig, folder))
    async with (
        transport.forward(server.host or "", server.port or 443) as socket,
        await KubeApi.open(HostName(report.name), socket, credentials_of(kubeconfig, files, folder)) as api,
    ):
        nodes = await api.nodes(deadline_s=_DEADLINE_S)
    return [address for node in nodes if is_control_plane(node) and (address := internal_address(node))]


async def _read(transport: HostTransport, *paths: str) -> dict[str, bytes]:
    texts = await read_files(transport, paths, deadline_s=_DEADLINE_S)
    return {path: text.encode() for path, text in texts.items() if text is not None}


def _servers(report: HostReport) -> tuple[tuple[str, str], ...]:
    api = balancer.balanced_api(report)
    return api.servers if api else ()
