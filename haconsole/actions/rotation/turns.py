"""A host's turn: what reads its files only at its start is restarted, handed over first, seen well after."""

from __future__ import annotations

from dataclasses import replace

from haconsole.actions.balancing import while_restarting
from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.build import ran_before, script, start_step, step_id
from haconsole.actions.checks import AnyOf, ApiserverReady, Check, EtcdHealthy
from haconsole.actions.rotation.kubelet import workers
from haconsole.actions.rotation.scripts import SERVING
from haconsole.actions.step import Step
from haconsole.actions.steps.control_plane import locks_step, while_drained
from haconsole.actions.steps.etcd import leader_step
from haconsole.actions.steps.order import Group
from haconsole.actions.steps.services import reload_step
from haconsole.configs.layout import ComponentLayout
from haconsole.inventory.effective import join_host_port
from haconsole.inventory.schema import Host
from haconsole.model.etcd_view import etcd_view
from haconsole.model.names import HostName
from haconsole.model.vip_view import vip_views

WAIT_S = 90.0
ETCD_WHY = (
    "etcd reads its CAs only at its start. A majority of the others answers meanwhile; what clients send to a VIP "
    "waits for a moment as it stops, because what it is answering just then would fail."
)
API_WHY = "It reads what changed only at its start. No balancer sends it anything meanwhile."
TOGETHER_WHY = (
    "They read what changed only at their start, and no balancer sends the API server anything meanwhile. Those that "
    "steer through it stop before it and start after it: what they watch would keep it from ending."
)
CLIENT_WHY = "It reads what changed only at its start; its lock passes on to a standby if it holds it."
HAPROXY_WHY = "It verifies API servers with the CA it read; a reload lets connections under way end where they are."


def turns(found: Ground) -> tuple[Host, ...]:
    """The hosts in the order of their turns: workers first, who leads etcd and who holds a VIP last."""
    leader = next((row.host for row in etcd_view(found.snapshot).members if row.leader), None)
    owners = {owner for view in vip_views(found.snapshot) for owner in view.owners}
    return (*workers(found), *sorted(found.hosts, key=lambda host: (host.name in owners) + (host.name == leader)))


def names(hosts: tuple[Host, ...]) -> tuple[HostName, ...]:
    return tuple(HostName(host.name) for host in hosts)


def etcd_turn(
    found: Ground, host: Host, what: str, newer_than: tuple[str, ...], phase: str, over: tuple[Check, ...] = ()
) -> tuple[Group, ...]:
    """Leadership handed over if the member has it and is still to be restarted, then the restart.

    Where the checks `over` hold, the restart has been made, and its files were written anew since.
    """
    others = names(tuple(one for one in found.etcd if one != host))
    restart = etcd_restart(found, host, what, newer_than, phase)
    leader = leader_step(host, others, phase=phase)
    verification = (AnyOf((leader.verification, restart.verification, *((over,) if over else ()))),)
    hand_over = replace(leader, id=step_id(f"etcd.leader-{what}", host.name), verification=verification)
    if over:
        runs, *also = restart.verification
        restart = replace(restart, verification=(AnyOf(((runs,), over)), *also))
    return (*(((hand_over,),) if others else ()), (restart,))


def etcd_restart(found: Ground, host: Host, what: str, newer_than: tuple[str, ...], phase: str) -> Step:
    unit = found.layout.etcd.unit or ""
    return start_step(
        f"etcd.{what}",
        host.name,
        unit,
        title="Restart etcd",
        why=ETCD_WHY,
        phase=phase,
        newer_than=newer_than,
        needs=(),
        undo=ran_before(unit),
        also=(EtcdHealthy(len(found.etcd)),),
        verify_within_s=WAIT_S,
        vips_pause=True,
    )


def api_turn(found: Ground, host: Host, what: str, restart: Step, phase: str, beside: Group = ()) -> tuple[Group, ...]:
    """The API server drained, restarted, used again, and seen up by every balancer; `beside` that goes what uses it."""
    haproxy, balancers = found.layout.haproxy, names(found.balancers)
    if haproxy is None or not balancers:
        return (restart,), beside
    servers = while_restarting(found.snapshot, found.inventory, host, balancers)
    return while_drained(host, servers, (restart,), phase=phase, what=what, beside=beside)


def component_restart(
    found: Ground,
    host: Host,
    name: str,
    what: str,
    newer_than: tuple[str, ...],
    phase: str,
    also: tuple[Check, ...] = (),
) -> Step:
    """Restart one of the control plane's components; the API server is ready after it."""
    component = _component(found, name)
    api = component.kubeconfig is None
    return start_step(
        f"kubernetes.{name}-{what}",
        host.name,
        component.unit or "",
        title=f"Restart {name}",
        why=API_WHY if api else CLIENT_WHY,
        phase=phase,
        newer_than=newer_than,
        needs=(),
        undo=ran_before(component.unit or ""),
        also=(*also, *((ApiserverReady(),) if api else ())),
        verify_within_s=WAIT_S,
    )


def together(
    found: Ground, host: Host, what: str, newer_than: dict[str, tuple[str, ...]], phase: str, also: tuple[Check, ...]
) -> Step:
    """Restart the API server and the components of `newer_than` at once; systemd's order has it stop last, start first.

    `newer_than` are the files, by component, that each is to have read since.
    """
    units = {_component(found, name).unit or "": files for name, files in newer_than.items()}
    (api, files), *beside = units.items()
    return start_step(
        f"kubernetes.control-plane-{what}",
        host.name,
        api,
        title=f"Restart {', '.join(newer_than)}",
        why=TOGETHER_WHY,
        phase=phase,
        newer_than=files,
        needs=(),
        undo=ran_before(" ".join(units)),
        also=(*also, ApiserverReady()),
        verify_within_s=WAIT_S,
        beside=dict(beside),
    )


def _component(found: Ground, name: str) -> ComponentLayout:
    assert found.layout.kubernetes is not None
    return next(one for one in found.layout.kubernetes.components if one.name == name)


def haproxy_reload(found: Ground, host: Host, what: str, newer_than: tuple[str, ...], phase: str) -> Group:
    """haproxy takes up the CA it verifies API servers with."""
    haproxy = found.layout.haproxy
    if haproxy is None or host not in found.balancers:
        return ()
    return (
        reload_step(
            f"haproxy.{what}",
            host.name,
            haproxy.unit,
            title="Have haproxy take up the CAs",
            why=HAPROXY_WHY,
            phase=phase,
            newer_than=newer_than,
            test=f"haproxy -c -q -f {haproxy.config_file}",
        ),
    )


def locks_held(what: str, host: Host, phase: str) -> Group:
    return (locks_step(what, host.name, phase=phase),)


def serves(host: Host, port: int, cert: str) -> Check:
    """What answers at the host's port shows the certificate in the file."""
    return script(
        SERVING,
        "serves",
        join_host_port(host.address, port),
        cert,
        means=f"port {port} shows {cert}",
        otherwise=f"port {port} does not show {cert}",
    )
