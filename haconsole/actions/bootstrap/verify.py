"""The last look: everything that has to hold before the cluster is called whole."""

from __future__ import annotations

from haconsole.actions.bootstrap import etcd, haproxy, keepalived, kubernetes, scripts
from haconsole.actions.bootstrap.ground import Ground, Part
from haconsole.actions.build import look_step, script
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

PHASE = "verification"
WAIT_S = 60.0
LOCKS = ("kube-controller-manager", "kube-scheduler")

ETCD_WHY = "Every member reads with a majority behind it and lists the same voters: any one of them may now fail."
CONTROL_PLANE_WHY = "The API server is ready by its own word, and what steers the cluster is healthy beside it."
LOCKS_WHY = "One host holds each lock and renews it; the others stand by to take over."
BALANCER_WHY = "Whichever balancer has the VIP, it knows every API server as up."
VIP_WHY = (
    "Exactly one balancer holds the VIP: none would mean no way in, two that clients reach now one, now the other."
)
ENDPOINT_WHY = "The address that clients use answers from here through VIP, balancer and API server."


def verify_steps(found: Ground) -> tuple[Step, ...]:
    """What can hold with the parts asked for: what goes through several parts is asked when all of them are."""
    steps: list[Step] = []
    if Part.ETCD in found.parts:
        steps += _etcd(found)
    if Part.KUBERNETES in found.parts and found.layout.kubernetes:
        steps += _control_plane(found, found.layout.kubernetes)
    if {Part.HAPROXY, Part.KUBERNETES} <= found.parts:
        steps += _balancers(found)
    if {Part.HAPROXY, Part.KEEPALIVED, Part.KUBERNETES} <= found.parts:
        steps += _vips(found)
    if Part.KUBERNETES in found.parts and len(found.parts) > 1:
        steps += _endpoint(found)
    return tuple(steps)


def _etcd(found: Ground) -> tuple[Step, ...]:
    voters = len(found.etcd)
    needs = tuple(etcd.start_of(host.name) for host in found.etcd)
    title = f"See etcd healthy with {voters} voter{'s' if voters != 1 else ''}"
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
            title="See the control plane ready",
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
        title="See the leader locks held",
        why=LOCKS_WHY,
        phase=PHASE,
        needs=tuple(need for host in found.control_planes for need in _started(host)),
        wait_s=WAIT_S,
    )


def _started(host: Host) -> tuple[StepId, ...]:
    return tuple(kubernetes.start_of(name, host.name) for name in LOCKS)


def _apiservers(found: Ground) -> tuple[StepId, ...]:
    return tuple(kubernetes.start_of("kube-apiserver", host.name) for host in found.control_planes)


def _balancers(found: Ground) -> tuple[Step, ...]:
    servers = tuple(host.name for host in found.control_planes)
    return tuple(
        look_step(
            "verify.balancer",
            host.name,
            (BackendsUp(servers),),
            title="See every API server up in haproxy",
            why=BALANCER_WHY,
            phase=PHASE,
            needs=(haproxy.start_of(host.name), *_apiservers(found)),
            wait_s=WAIT_S,
        )
        for host in found.balancers
    )


def _vips(found: Ground) -> tuple[Step, ...]:
    needs = (*(keepalived.start_of(host.name) for host in found.balancers), *_apiservers(found))
    first = found.balancers[0].name
    return tuple(
        look_step(
            f"verify.vip-{address}",
            first,
            (VipOwned(address),),
            title=f"See {address} held by one balancer",
            why=VIP_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for address in vip_addresses(found.inventory)
    )


def _endpoint(found: Ground) -> tuple[Step, ...]:
    balanced = endpoint(found.inventory)
    if balanced is None:
        return ()
    address = join_host_port(*balanced)
    moved = (f"verify.vip-{vip}" for vip in vip_addresses(found.inventory) if Part.KEEPALIVED in found.parts)
    needs = (*_apiservers(found), *(StepId(f"{step}@{found.balancers[0].name}") for step in moved))
    return tuple(
        look_step(
            "verify.endpoint",
            host.name,
            (VipAnswers(address),),
            title=f"See the API answer at {address}",
            why=ENDPOINT_WHY,
            phase=PHASE,
            needs=needs,
            wait_s=WAIT_S,
        )
        for host in found.control_planes
    )
