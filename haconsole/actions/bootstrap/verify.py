"""The final checks: everything that must hold before the cluster is complete."""

from __future__ import annotations

from haconsole.actions.balancing import api_addresses, without_socket
from haconsole.actions.bootstrap import etcd, haproxy, keepalived, kubernetes, scripts
from haconsole.actions.bootstrap.ground import Ground, Part
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import (
    ApiserverReady,
    BackendsUp,
    Check,
    CommandSucceeds,
    EtcdHealthy,
    LeaseHeld,
    VipAnswers,
    VipOwned,
)
from haconsole.actions.step import Step, StepId
from haconsole.configs.layout import ComponentLayout, KubernetesLayout
from haconsole.inventory.effective import endpoint, join_host_port, vip_addresses
from haconsole.inventory.schema import Host
from haconsole.model.balancer_files_view import any_foreign
from haconsole.model.names import HostName

PHASE = "verification"
WAIT_S = 60.0
LOCKS = ("kube-controller-manager", "kube-scheduler")

ETCD_WHY = "Every member reads with a majority and lists the same voters: any one of them may now fail."
CONTROL_PLANE_WHY = "The API server reports ready, and the components beside it are healthy."
LOCKS_WHY = "One host holds each lease and renews it; the others are standbys."
BALANCER_WHY = "Every balancer sees every API server up, so any of them may hold the VIP."
VIP_WHY = "Exactly one balancer holds the VIP. With none, clients reach nothing; with two, they reach either at random."
ENDPOINT_WHY = "The clients' address answers from here through VIP, balancer and API server."


def verify_steps(found: Ground) -> tuple[Step, ...]:
    """The final checks of the requested parts, including parts that already exist.

    A run that touches balancers also checks that every VIP has an owner and that the API answers through it, if an API
    server is expected.
    """
    steps: list[Step] = []
    if Part.ETCD in found.parts:
        steps += _etcd(found)
    if Part.KUBERNETES in found.parts and found.layout.kubernetes:
        steps += _control_plane(found, found.layout.kubernetes)
    serving = _serving(found)
    balanced = {Part.HAPROXY, Part.KEEPALIVED} & found.parts
    if Part.HAPROXY in found.parts and serving:
        steps += _balancers(found, serving)
    moved = _moved(found)
    if balanced and serving and moved:
        steps += _vips(found)
    through = balanced and serving and (moved or not found.inventory.vips)
    if through or (Part.KUBERNETES in found.parts and len(found.parts) > 1):
        steps += _endpoint(found, serving)
    return tuple(steps)


def _serving(found: Ground) -> tuple[Host, ...]:
    """Hosts with an API server after the run: new ones and those observed with one."""
    if Part.KUBERNETES in found.parts:
        return found.control_planes
    return tuple(host for host in found.control_planes if found.runs(host, "kube-apiserver"))


def _moved(found: Ground) -> bool:
    """Whether keepalived runs after the run, so that every VIP must have an owner."""
    keepalived = found.layout.keepalived
    if keepalived is None:
        return False
    return Part.KEEPALIVED in found.parts or any(found.runs(host, keepalived.unit) for host in found.balancers)


def _etcd(found: Ground) -> tuple[Step, ...]:
    voters = len(found.etcd)
    needs = tuple(etcd.start_of(host.name) for host in found.etcd)
    title = f"Verify that etcd is healthy with {voters} voter{'s' if voters != 1 else ''}"
    return tuple(
        look_step(
            "verify.etcd",
            host.name,
            (EtcdHealthy(voters),),
            title=title,
            why=ETCD_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for host in found.etcd
    )


def _control_plane(found: Ground, paths: KubernetesLayout) -> tuple[Step, ...]:
    _, *others = paths.components
    checks: tuple[Check, ...] = (ApiserverReady(), *(_component_healthy(one) for one in others))
    planes = tuple(
        look_step(
            "verify.control-plane",
            host.name,
            checks,
            title="Verify that the control plane is ready",
            why=CONTROL_PLANE_WHY,
            phase=PHASE,
            needs=_started(host),
            wait_s=WAIT_S,
        )
        for host in found.control_planes
    )
    return (*planes, _locks(found))


def _component_healthy(component: ComponentLayout) -> CommandSucceeds:
    return script(
        scripts.COMPONENT_HEALTHY,
        "healthy",
        str(component.port),
        means=f"{component.name} answers /healthz with 200",
        otherwise=f"{component.name} does not answer /healthz with 200",
    )


def _locks(found: Ground) -> Step:
    return look_step(
        "verify.locks",
        found.control_planes[0].name,
        tuple(LeaseHeld("kube-system", name) for name in LOCKS),
        title="Verify that the leases are held",
        why=LOCKS_WHY,
        phase=PHASE,
        needs=tuple(need for host in found.control_planes for need in _started(host)),
        wait_s=WAIT_S,
    )


def _started(host: Host) -> tuple[StepId, ...]:
    return tuple(kubernetes.start_of(name, host.name) for name in LOCKS)


def _apiservers(found: Ground) -> tuple[StepId, ...]:
    if Part.KUBERNETES not in found.parts:
        return ()
    return tuple(kubernetes.start_of("kube-apiserver", host.name) for host in found.control_planes)


def _balancers_started(found: Ground) -> tuple[StepId, ...]:
    parts = {Part.HAPROXY: haproxy.start_of, Part.KEEPALIVED: keepalived.start_of}
    return tuple(start(host.name) for part, start in parts.items() if part in found.parts for host in found.balancers)


def _balancers(found: Ground, serving: tuple[Host, ...]) -> tuple[Step, ...]:
    servers = tuple(host.name for host in serving)
    addresses = tuple(api_addresses(found.snapshot, found.inventory, host) for host in serving)
    return tuple(
        look_step(
            "verify.balancer",
            host.name,
            (BackendsUp(servers, addresses),),
            title="Verify that every API server is up in haproxy",
            why=BALANCER_WHY,
            phase=PHASE,
            needs=(haproxy.start_of(host.name), *_apiservers(found)),
            wait_s=WAIT_S,
        )
        for host in found.balancers
        if not _cannot_be_asked(found, host)
    )


def _cannot_be_asked(found: Ground, host: Host) -> bool:
    """A haproxy of the site's own without a stats socket: its servers cannot be queried."""
    name, haproxy = HostName(host.name), found.layout.haproxy
    foreign = haproxy is not None and any_foreign(found.snapshot, name, (haproxy.config_file,))
    return foreign and bool(without_socket(found.snapshot, (name,)))


def _vips(found: Ground) -> tuple[Step, ...]:
    needs = (*_balancers_started(found), *_apiservers(found))
    first = found.balancers[0].name
    return tuple(
        look_step(
            f"verify.vip-{address}",
            first,
            (VipOwned(address),),
            title=f"Verify that one balancer holds {address}",
            why=VIP_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for address in vip_addresses(found.inventory)
    )


def _endpoint(found: Ground, serving: tuple[Host, ...]) -> tuple[Step, ...]:
    balanced = endpoint(found.inventory)
    if balanced is None:
        return ()
    address = join_host_port(*balanced)
    needs = (*_apiservers(found), *_balancers_started(found))
    if {Part.HAPROXY, Part.KEEPALIVED} & found.parts and _moved(found):
        needs += tuple(step_id(f"verify.vip-{vip}", found.balancers[0].name) for vip in vip_addresses(found.inventory))
    return tuple(
        look_step(
            "verify.endpoint",
            host.name,
            (VipAnswers(address),),
            title=f"Verify that the API answers at {address}",
            why=ENDPOINT_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for host in serving
    )
