"""Checks that the Kubernetes API answers, on a host and through the VIP, and that a lease has the right holder."""

from __future__ import annotations

import asyncio
from typing import TypeAlias, assert_never

from haconsole.actions.checks import ApiserverReady, LeaseHeld, NodeRenewed, VipAnswers
from haconsole.execution.etcd.member_list import host_of
from haconsole.inventory.effective import split_host_port
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.lease import Lease, LeaseState
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes.access import kube_at, kube_on
from haconsole.probes.kubernetes.leases import finder, from_api
from haconsole.transport.base import TransportError
from haconsole.transport.kube_errors import KubeError
from haconsole.transport.kube_objects import LeaseObject, Readiness
from haconsole.transport.kubeconfig import KubeconfigError

ApiCheck: TypeAlias = ApiserverReady | VipAnswers | LeaseHeld | NodeRenewed
Problems: TypeAlias = tuple[str, ...]
ANSWER_S = 6.0
BEGAN = (
    "sh",
    "-c",
    'LC_ALL=C date -d "$(LC_ALL=C systemctl show -p ActiveEnterTimestamp --value kubelet.service)" +%s',
)


async def api_problems(context: ClusterContext, check: ApiCheck, host: Host) -> Problems:
    """The reason why `check`, of a step on `host`, fails; raises TransportError when the host cannot be queried."""
    try:
        match check:
            case ApiserverReady():
                async with kube_on(context, host) as api:
                    return readiness_problems(f"{host.name}: the apiserver", await api.readiness(deadline_s=ANSWER_S))
            case VipAnswers(endpoint=endpoint):
                return await _endpoint(context, endpoint, host)
            case LeaseHeld():
                async with kube_on(context, host) as api:
                    objects = await api.leases(check.namespace, deadline_s=ANSWER_S)
                leases = from_api(objects, finder(context.inventory.hosts, await hostnames(context)))
                return lock_problems(check, leases, context)
            case NodeRenewed():
                return await _renewed(context, check, host)
            case _:
                assert_never(check)
    except (KubeError, KubeconfigError, ProbeError) as error:
        return (str(error) if str(error).startswith(f"{host.name}:") else f"{host.name}: {error}",)


async def _renewed(context: ClusterContext, check: NodeRenewed, host: Host) -> Problems:
    """By the host's own clock only: kubelet itself records the time of a renewal."""
    began = await context.transport(host).run(BEGAN, deadline_s=ANSWER_S)
    if not began.stdout.strip().isdecimal():
        return (f"{host.name}: kubelet does not run",)
    error: Exception | None = None
    for name in check.ask:
        try:
            async with kube_on(context, host_of(context, name)) as api:
                leases = await api.leases("kube-node-lease", deadline_s=ANSWER_S)
        except (KubeError, ProbeError, TransportError) as unheard:
            error = unheard
            continue
        return renewal_problems(check.node, leases, int(began.stdout), host.name)
    return (f"{host.name}: no API server could be queried for node {check.node}: {error}",)


def renewal_problems(node: str, leases: tuple[LeaseObject, ...], since: int, host: str) -> Problems:
    """The reason why the node's lease is older than `since`, in seconds since 1970."""
    lease = next((one for one in leases if one.metadata.name == node), None)
    if lease is None or (lease.spec.renew_time and lease.spec.renew_time.timestamp() > since):
        return ()
    return (f"{host}: node {node} has not renewed its lease since kubelet started: see journalctl -u kubelet there",)


async def _endpoint(context: ClusterContext, endpoint: str, host: Host) -> Problems:
    """Requested through the host's own network, as its components do."""
    address, port = split_host_port(endpoint)
    async with kube_at(context, host, address, port or 443) as api:
        return readiness_problems(f"{host.name}: the API at {endpoint}", await api.readiness(deadline_s=ANSWER_S))


def readiness_problems(who: str, readiness: Readiness) -> Problems:
    """The reason why the server is not ready, by the checks that it names itself."""
    if readiness.ready:
        return ()
    return (f"{who} is not ready: {', '.join(readiness.failing) or 'it names no failing check'}",)


async def hostnames(context: ClusterContext) -> dict[str, HostName]:
    """The names that control planes call themselves and their leases, which the inventory's names may differ from.

    A host that does not answer is then matched by its name in the inventory.
    """
    planes = context.inventory.with_role(Role.CONTROL_PLANE)
    names = await asyncio.gather(*(_hostname(context, host) for host in planes))
    return {name: HostName(host.name) for host, name in zip(planes, names, strict=True) if name}


async def _hostname(context: ClusterContext, host: Host) -> str:
    try:
        result = await context.transport(host).run(("uname", "-n"), deadline_s=ANSWER_S)
    except TransportError:
        return ""
    return result.stdout.strip().lower()


def lock_problems(check: LeaseHeld, leases: tuple[Lease, ...], context: ClusterContext) -> Problems:
    """The reason why none of the expected hosts holds the lease."""
    name = f"{check.namespace}/{check.name}"
    lease = next((each for each in leases if each.name == check.name), None)
    if lease is None:
        return (f"no component has taken the lease {name} yet",)
    state = lease.state(context.now())
    if state is not LeaseState.HELD:
        return (f"the lease {name} (holder: {lease.holder or 'no holder'}) is {state}",)
    if lease.host is None or (check.hosts and lease.host not in check.hosts):
        return (f"the lease {name} is held by {lease.holder}",)
    return ()
