"""Plans the action restart: starts a stopped service, or restarts one that hangs or runs."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import at_once, ran_before, script, start_step, stopped_now
from haconsole.actions.checks import ApiserverReady, Check, EtcdHealthy
from haconsole.actions.operations import RunCommand, Undo, UndoByCommand
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.static_pods import restart_pods_step, static_pod
from haconsole.configs.layout import layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.etcd_view import etcd_view
from haconsole.model.hosts import HostFacts, Role, ServiceKind, ServiceState, reach_problem
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, reason_of
from haconsole.model.services import is_hung, is_stopped
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.scripts import load_script

RESTART = "restart"
BALANCER = ("haproxy", "keepalived")
PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
SERVICES = ("etcd", *BALANCER, *PLANE)

START_WHY = "The service is stopped, and nothing starts it automatically. Its data and configuration do not change."
TOGETHER_WHY = (
    "The member is stopped or hung. A member is ready only with a majority, so all stopped members start at the "
    "same time. Their data does not change."
)
HUNG_WHY = "The process exists but does no work, so only a new process helps."
POD_WAITS_WHY = "kubelet backs off longer after each failed start; a new pod starts at once."
POD_WHY = "kubelet stops a pod when its manifest leaves the static-pod folder and starts it when the manifest returns."
RUNNING_WHY = "A service that runs reads changed files only when it is restarted."

NEW_PROCESS = load_script("check-new-process")

NOT_MASKED = r"""[ "$(systemctl show -p LoadState --value -- "$1")" = loaded ]"""


def restart_action() -> Action:
    """One service, on one host or on every host where it is down."""
    return Action(
        RESTART,
        "Restart a service",
        (
            "Start a service that is stopped or failed, or restart one that hangs or runs. Without a host: on "
            "every host where the service is stopped, failed or hung. Data and configuration are not changed."
        ),
        (
            Argument("service", ArgumentKind.CHOICE, "the service", choices=SERVICES, positional=True, required=True),
            Argument(
                "host", ArgumentKind.HOST, "the host; by default every host where the service is down", positional=True
            ),
        ),
        plan_restart,
        synonyms=("start", "service", "systemctl", *SERVICES),
    )


def plan_restart(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Stopped and hung ones at the same time; refused if a restart would lose the quorum, the VIP or the API."""
    service, target = request["service"], request.get("host")
    unit, everywhere = unit_of(inventory, service), inventory.with_role(role_of(service))
    down = tuple(host for host in everywhere if is_down(snapshot.host(HostName(host.name)), service))
    hosts = tuple(host for host in everywhere if host.name == target) if target else down
    reasons = (
        *_no_target(service, target, hosts, everywhere),
        *(reason for host in hosts for reason in unfit(snapshot, host, service)),
        *(
            reason
            for host in hosts
            if host not in down
            for reason in costs_of_restart(snapshot, inventory, host, service)
        ),
    )
    if unit is None and service in BALANCER:
        reasons = (f"the inventory has no {service}",)
    if service in BALANCER and runs_as_static_pod(inventory, service):
        reasons = (f"{service} runs as a static pod: move its manifest out of kubelet's folder and back",)
    if reasons:
        return Refusal(RESTART, inventory.cluster, reasons)
    if unit is None:
        steps = tuple(_pod_step(snapshot, inventory, host, service) for host in hosts)
    else:
        steps = tuple(_step(snapshot, inventory, host, service, unit) for host in hosts)
    steps = at_once(steps) if service == "etcd" else steps
    return Plan(RESTART, inventory.cluster, steps, f"{service} on {', '.join(host.name for host in hosts)}")


def is_down(facts: HostFacts | None, service: str) -> bool:
    """The service is known to be stopped or hung on this host."""
    if facts is None:
        return False
    unit = facts.service(service)
    waits = unit is not None and unit.kind is ServiceKind.STATIC_POD and unit.active == "activating"
    return is_stopped(unit) or waits or is_hung(unit, answers=_answers(facts, service))


def _answers(facts: HostFacts, service: str) -> bool:
    """The service's own protocol answers; True if it has none."""
    fact = {"etcd": facts.etcd, "haproxy": facts.haproxy, "kube-apiserver": facts.apiserver}.get(service)
    return fact is None or isinstance(fact, Known)


def role_of(service: str) -> Role:
    if service in BALANCER:
        return Role.LOAD_BALANCER
    return Role.CONTROL_PLANE if service in PLANE else Role.ETCD


def unit_of(inventory: Inventory, service: str) -> str | None:
    known = layout(inventory)
    if service == "etcd":
        return known.etcd.unit
    if service in BALANCER:
        part = known.haproxy if service == "haproxy" else known.keepalived
        return part.unit if part else None
    components = known.kubernetes.components if known.kubernetes else ()
    return next((component.unit for component in components if component.name == service), None)


def runs_as_static_pod(inventory: Inventory, balancer: str) -> bool:
    """Whether kubelet runs haproxy or keepalived."""
    known = layout(inventory)
    part = known.haproxy if balancer == "haproxy" else known.keepalived
    return part is not None and part.manifest is not None


def _no_target(
    service: str, target: str | None, hosts: tuple[Host, ...], everywhere: tuple[Host, ...]
) -> tuple[str, ...]:
    if hosts:
        return ()
    if target is None:
        return (f"no reachable host has a stopped or hung {service}: give a host to restart it there",)
    names = ", ".join(host.name for host in everywhere) or "no host"
    return (f"{target} has no {service}: according to the inventory, it runs on {names}",)


def unfit(snapshot: ClusterSnapshot, host: Host, service: str) -> tuple[str, ...]:
    facts = snapshot.host(HostName(host.name))
    if facts is None or isinstance(facts.reach, Failed):
        return (f"{host.name} cannot be reached: {reach_problem(facts)}",)
    unit = facts.service(service)
    if unit is None:
        return (f"the state of {service} on {host.name} is unknown: {reason_of(facts.services) or 'not queried yet'}",)
    if unit.kind is ServiceKind.STATIC_POD:
        return _unfit_pod(facts, host, service, exists=unit.exists)
    return () if unit.exists else (f"{service} is not installed on {host.name}: run bootstrap",)


def _unfit_pod(facts: HostFacts, host: Host, service: str, *, exists: bool) -> tuple[str, ...]:
    """The reason why kubelet would not restart a static pod."""
    kubelet = facts.service("kubelet")
    reasons = []
    if not exists:
        reasons.append(f"{service} has no manifest on {host.name}: restore the manifest in kubelet's static-pod folder")
    if kubelet is not None and not kubelet.running:
        reasons.append(f"kubelet on {host.name}, which starts static pods, is not running: start kubelet first")
    return tuple(reasons)


def costs_of_restart(snapshot: ClusterSnapshot, inventory: Inventory, host: Host, service: str) -> tuple[str, ...]:
    """The interruption that a restart of a working service would cause."""
    if service == "etcd":
        return _costs_quorum(snapshot, inventory, host)
    others = tuple(one for one in inventory.with_role(role_of(service)) if one != host)
    if service in BALANCER and others:
        vips = tuple(view.address for view in vip_views(snapshot) if host.name in view.owners)
        return tuple(f"{host.name} holds {vip}: run failover first" for vip in vips)
    ready = {
        facts.host for facts in snapshot.hosts if isinstance(facts.apiserver, Known) and facts.apiserver.value.ready
    }
    if service == "kube-apiserver" and others and ready == {host.name}:
        return (f"the API server on {host.name} is the only one that is ready: fix the others first",)
    return ()


def _costs_quorum(snapshot: ClusterSnapshot, inventory: Inventory, host: Host) -> tuple[str, ...]:
    view, facts = etcd_view(snapshot), snapshot.host(HostName(host.name))
    answers = facts is not None and isinstance(facts.etcd, Known)
    if view.quorum is not None and view.quorum.holds:
        healthy = any(row.host == host.name and row.healthy for row in view.members)
        fatal = healthy and view.quorum.can_lose == 0
        return (f"a restart of etcd on {host.name} would lose the quorum: {view.quorum.sentence()}",) if fatal else ()
    down = tuple(
        one.name for one in inventory.with_role(Role.ETCD) if is_down(snapshot.host(HostName(one.name)), "etcd")
    )
    if answers or down:
        others = f"start etcd on {', '.join(down)} first" if down else "bring back the other members first"
        return (f"the quorum is lost and etcd on {host.name} is running: {others}",)
    return ()


def _step(snapshot: ClusterSnapshot, inventory: Inventory, host: Host, service: str, unit: str) -> Step:
    facts = snapshot.host(HostName(host.name))
    state = facts.service(service) if facts else None
    is_hanging = facts is not None and is_hung(state, answers=_answers(facts, service))
    return start_step(
        "service.restart",
        host.name,
        unit,
        title=f"{'Start' if is_stopped(state) else 'Restart'} {service}",
        why=_why(service, stopped=is_stopped(state), is_hanging=is_hanging),
        phase=service,
        newer_than=(),
        needs=(),
        undo=_undo(unit, state),
        test=f"systemctl reset-failed {unit} 2>/dev/null || :",
        also=(_replaced(unit, state), *_serves(snapshot, inventory, service)),
        vips_pause=service == "etcd" and not is_stopped(state) and not is_hanging,
        precondition=(_loaded(unit),),
    )


def _pod_step(snapshot: ClusterSnapshot, inventory: Inventory, host: Host, service: str) -> Step:
    """The manifest leaves kubelet's folder and returns."""
    facts = snapshot.host(HostName(host.name))
    state = facts.service(service) if facts else None
    pod = static_pod(snapshot, layout(inventory), host, service)
    assert pod is not None
    running = state is not None and state.running
    return restart_pods_step(
        "service.restart",
        host.name,
        (pod,),
        title=f"Restart {service}",
        why=f"{RUNNING_WHY if running else POD_WAITS_WHY} {POD_WHY}",
        phase=service,
        old_processes={service: state.pid} if state and state.pid else {},
        also=_serves(snapshot, inventory, service),
        vips_pause=service == "etcd" and running,
    )


def _why(service: str, *, stopped: bool, is_hanging: bool) -> str:
    if service == "etcd" and (stopped or is_hanging):
        return TOGETHER_WHY
    return START_WHY if stopped else HUNG_WHY if is_hanging else RUNNING_WHY


def _undo(unit: str, state: ServiceState | None) -> Undo:
    if not is_stopped(state):
        return ran_before(unit)
    return UndoByCommand(RunCommand(("systemctl", "stop", unit), timeout_s=120.0), (stopped_now(unit),))


def _loaded(unit: str) -> Check:
    problem = f"{unit} is masked or cannot be loaded: see systemctl status {unit}; if masked, systemctl unmask {unit}"
    return script(NOT_MASKED, "loaded", unit, means=f"{unit} is loaded and not masked", problem=problem)


def _replaced(unit: str, state: ServiceState | None) -> Check:
    old = str(state.pid) if state and state.pid else "0"
    means = f"{unit} runs in a new process" if old != "0" else f"{unit} runs"
    return script(NEW_PROCESS, "process", unit, old, means=means, problem=f"{unit} has no new process")


def _serves(snapshot: ClusterSnapshot, inventory: Inventory, service: str) -> tuple[Check, ...]:
    """The check that the service's own protocol answers."""
    if service == "kube-apiserver":
        return (ApiserverReady(),)
    if service != "etcd":
        return ()
    listed = sum(row.member.started and not row.member.learner for row in etcd_view(snapshot).members)
    return (EtcdHealthy(listed or len(inventory.with_role(Role.ETCD))),)
