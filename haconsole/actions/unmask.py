"""Plans the action unmask: removes the mask of a service and starts the service."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import script, start_step
from haconsole.actions.operations import RunCommand, UndoByCommand
from haconsole.actions.restart import SERVICES, role_of, unfit, unit_of
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot

UNMASK = "unmask"
WHY = "The unit is linked to /dev/null, so neither systemd nor an administrator can start it."
MASKED = r"""[ "$(systemctl show -p LoadState --value -- "$1")" = masked ]"""


def unmask_action() -> Action:
    """One service, on one host or wherever it is masked."""
    return Action(
        UNMASK,
        "Unmask a service",
        (
            "Remove the mask of a service and start it. Without a host: on every host where the service is "
            "masked. Data and configuration are not changed."
        ),
        (
            Argument("service", ArgumentKind.CHOICE, "the service", choices=SERVICES, positional=True, required=True),
            Argument("host", ArgumentKind.HOST, "the host; by default every host with the mask", positional=True),
        ),
        plan_unmask,
        synonyms=("mask", "systemctl unmask"),
    )


def plan_unmask(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused where the unit is not masked or the host cannot be reached."""
    service, target = request["service"], request.get("host")
    unit, everywhere = unit_of(inventory, service), inventory.with_role(role_of(service))
    hosts = tuple(host for host in everywhere if _is_masked(snapshot.host(HostName(host.name)), service))
    if target:
        hosts = tuple(host for host in everywhere if host.name == target)
    reasons = tuple(
        reason for host in hosts for reason in (*unfit(snapshot, host, service), *_not_masked(snapshot, host, service))
    )
    if not hosts:
        reasons = (
            f"{service} is masked on no host"
            if target is None
            else f"according to the inventory, {target} has no {service}",
        )
    if unit is None:
        reasons = (f"{service} is not a systemd unit of this cluster",)
    if reasons or unit is None:
        return Refusal(UNMASK, inventory.cluster, reasons)
    steps = tuple(_step(host, service, unit) for host in hosts)
    return Plan(UNMASK, inventory.cluster, steps, f"{service} on {', '.join(host.name for host in hosts)}")


def _is_masked(facts: HostFacts | None, service: str) -> bool:
    unit = facts.service(service) if facts else None
    return unit is not None and unit.masked


def _not_masked(snapshot: ClusterSnapshot, host: Host, service: str) -> tuple[str, ...]:
    facts = snapshot.host(HostName(host.name))
    unit = facts.service(service) if facts else None
    return (f"{service} on {host.name} is not masked",) if unit is not None and unit.exists and not unit.masked else ()


def _step(host: Host, service: str, unit: str) -> Step:
    masked_again = script(MASKED, "masked", unit, means=f"{unit} is masked", problem=f"{unit} is not masked")
    return start_step(
        "service.unmask",
        host.name,
        unit,
        title=f"Unmask and start {service}",
        why=WHY,
        phase=service,
        newer_than=(),
        needs=(),
        undo=UndoByCommand(RunCommand(("systemctl", "mask", "--now", unit), timeout_s=120.0), (masked_again,)),
        test="; ".join(
            (
                f"systemctl unmask --quiet {unit}",
                f"systemctl unmask --runtime --quiet {unit}",
                f"systemctl cat {unit} >/dev/null",
            )
        ),
    )
