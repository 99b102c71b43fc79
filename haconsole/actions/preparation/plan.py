"""Plans the action prepare, which is also the first phase of bootstrap and join.

1. All missing things on all hosts are listed at once, from the facts of their platforms, each with its fix.
2. Hosts are prepared in parallel, each in one order: software, kernel, firewall, runtime, images, clock, kubelet.
3. Bootstrap and join prepare only a host that they would fail on; a ready host is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.kubeadm.recorded import as_recorded
from haconsole.actions.preparation.kernel import kernel_steps
from haconsole.actions.preparation.lacks import blocking, optional, refusals
from haconsole.actions.preparation.needs import HostNeeds
from haconsole.actions.preparation.packages import hold_steps, package_steps, release_steps
from haconsole.actions.preparation.services import clock_steps, firewall_steps, kubelet_steps, runtime_steps
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.configs.layout import layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role, reach_problem
from haconsole.model.names import HostName, StepId
from haconsole.model.observed import Known, reason_of, value_of
from haconsole.model.snapshot import ClusterSnapshot

PREPARE = "prepare"


def prepare_action() -> Action:
    """Prepare hosts for bootstrap and join."""
    return Action(
        PREPARE,
        "Prepare hosts",
        (
            "Install the software that the roles of the hosts need, and set up runtime, swap, kernel settings, "
            "firewall and clock. Existing installations and settings are kept. A second run changes nothing. "
            "bootstrap and join run the same steps first on hosts that are not ready."
        ),
        (
            Argument(
                "hosts",
                ArgumentKind.TEXT,
                "names of hosts, separated by commas; by default all hosts",
                positional=True,
                several=True,
            ),
        ),
        plan_prepare,
        platform=True,
        synonyms=("install", "packages", "apt", "dnf", "containerd", "swap", "sysctl", "firewall"),
    )


def plan_prepare(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused, with everything at once, where a host cannot be prepared."""
    names = tuple(name.strip() for name in request.get("hosts", "").split(",") if name.strip())
    unknown = tuple(f"the inventory has no host {name}" for name in names if inventory.find(name) is None)
    hosts = tuple(host for host in inventory.hosts if _is_prepared(host) and (not names or host.name in names))
    bastions = tuple(
        f"{name} is a bastion: nothing of the cluster runs there"
        for name in names
        if (host := inventory.find(name)) and not _is_prepared(host)
    )
    unread = tuple(f"{host.name}: {reason}" for host in hosts if (reason := _unread(snapshot, host)))
    every = tuple(needs for host in hosts if (needs := needs_of(snapshot, inventory, host)))
    reasons = (*unknown, *bastions, *unread, *(reason for needs in every for reason in refusals(needs)))
    if not reasons and not hosts:
        reasons = ("the inventory has no host to prepare",)
    if reasons:
        return Refusal(PREPARE, inventory.cluster, reasons)
    steps = tuple(step for needs in every for step in host_steps(needs))
    return Plan(PREPARE, inventory.cluster, steps, summary(every))


def _is_prepared(host: Host) -> bool:
    return not set(host.roles) <= {Role.BASTION}


def _unread(snapshot: ClusterSnapshot, host: Host) -> str:
    """The reason why the platform of the host is not known; empty if it is."""
    facts = snapshot.host(HostName(host.name))
    if facts is None:
        return "it was not queried"
    if not isinstance(facts.reach, Known):
        return f"it cannot be reached: {reach_problem(facts)}"
    return "" if value_of(facts.platform) else f"its platform is unknown: {reason_of(facts.platform) or 'not queried'}"


def needs_of(snapshot: ClusterSnapshot, inventory: Inventory, host: Host) -> HostNeeds | None:
    """The needs of a host; None while its platform is not known."""
    facts = snapshot.host(HostName(host.name))
    platform = value_of(facts.platform) if facts else None
    return HostNeeds(as_recorded(snapshot, inventory), layout(inventory), host, platform) if platform else None


def host_steps(needs: HostNeeds) -> tuple[Step, ...]:
    """The steps of one host, each after the one before it."""
    parts = (
        package_steps,
        release_steps,
        hold_steps,
        kernel_steps,
        firewall_steps,
        runtime_steps,
        clock_steps,
        kubelet_steps,
    )
    chain: list[Step] = []
    for step in (step for part in parts for step in part(needs)):
        chain.append(replace(step, needs=(chain[-1].id,) if chain else ()))
    return tuple(chain)


def summary(every: Iterable[HostNeeds]) -> str:
    """Everything missing on each host with its fix, and the ports that stay closed."""
    lines = []
    for needs in every:
        missing = (*blocking(needs), *optional(needs))
        lines.append(f"{needs.host.name} ({needs.facts.name}):{'' if missing else ' everything is there'}")
        lines += [f"  {phrase}" for phrase in missing]
    return "\n".join(lines)


def preparation(
    snapshot: ClusterSnapshot, inventory: Inventory, hosts: Iterable[Host]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps and the refusals of hosts that are not ready, for an action that needs them ready."""
    every = tuple(needs for host in hosts if (needs := needs_of(snapshot, inventory, host)))
    behind = tuple(needs for needs in every if blocking(needs))
    reasons = tuple(reason for needs in behind for reason in refusals(needs))
    return tuple(step for needs in behind for step in host_steps(needs)), reasons


def after_preparation(first: tuple[Step, ...], steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """`first`, then `steps`: those that wait for nothing else wait for the last step of every prepared host."""
    waited = {need for step in first for need in step.needs}
    last: tuple[StepId, ...] = tuple(step.id for step in first if step.id not in waited)
    return (*first, *(step if step.needs else replace(step, needs=last) for step in steps))
