"""Plans the action reconfigure: haproxy or keepalived loads its current configuration file."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.action import Action, Argument, ArgumentKind, Request
from haconsole.actions.build import script
from haconsole.actions.checks import Check
from haconsole.actions.restart import BALANCER, unfit
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.services import file_test, reload_step
from haconsole.configs.haproxy import MAXCONN
from haconsole.configs.layout import Layout, layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.transport.haproxy_api import ask_script

RECONFIGURE = "reconfigure"
SMALLER = """
/^Maxconn: / { split($0, pair, ": "); if (index(names, " global ") && pair[2] < least) bad = 1 }
NF > 7 {
  name = $2 == "FRONTEND" ? $1 : $2
  seen = 1
  if (index(names, " " name " ") && $7 != "" && $7 > 0 && $7 < least) bad = 1
}
END { exit bad || !seen }
"""
"""Reads the answers to `show info` and `show stat`; fails where one of the names has a smaller limit."""
WHY = "The process runs an older configuration than its file; a reload keeps open connections and the VIP."


def reconfigure_action() -> Action:
    """One balancer's program, on one host or on all."""
    return Action(
        RECONFIGURE,
        "Reload a configuration",
        (
            "Check the configuration file of haproxy or keepalived, then reload it. The file is not changed. "
            "Without a host: on every balancer, one after the other."
        ),
        (
            Argument("service", ArgumentKind.CHOICE, "the program", choices=BALANCER, positional=True, required=True),
            Argument("host", ArgumentKind.HOST, "the host; by default every balancer", positional=True),
        ),
        plan_reconfigure,
        synonyms=("reload", "stale configuration", *BALANCER),
    )


def plan_reconfigure(snapshot: ClusterSnapshot, inventory: Inventory, request: Request) -> Plan | Refusal:
    """Refused where the program does not run: then it is started, not reloaded."""
    service, target = request["service"], request.get("host")
    everywhere = inventory.with_role(Role.LOAD_BALANCER)
    hosts = tuple(host for host in everywhere if target in (None, host.name))
    reasons = tuple(
        reason for host in hosts for reason in (*unfit(snapshot, host, service), *_stopped(snapshot, host, service))
    )
    if not hosts:
        reasons = (f"{target} is not a balancer of the inventory",)
    if reasons:
        return Refusal(RECONFIGURE, inventory.cluster, reasons)
    steps: list[Step] = []
    for host in hosts:
        limits = _lowered(snapshot, host) if service == "haproxy" else ()
        steps.append(_step(layout(inventory), host, service, steps[-1:], limits))
    return Plan(RECONFIGURE, inventory.cluster, tuple(steps), f"{service} on {', '.join(host.name for host in hosts)}")


def _stopped(snapshot: ClusterSnapshot, host: Host, service: str) -> tuple[str, ...]:
    facts = snapshot.host(HostName(host.name))
    unit = facts.service(service) if facts else None
    if unit is None or not unit.exists or unit.running:
        return ()
    return (f"{service} on {host.name} does not run: run restart {service} {host.name}",)


def _lowered(snapshot: ClusterSnapshot, host: Host) -> tuple[str, ...]:
    """The names of limits that are smaller than those in haproxy's file: only a reload resets them."""
    facts = snapshot.host(HostName(host.name))
    haproxy = value_of(facts.haproxy) if facts else None
    return tuple(limit.name for limit in haproxy.limits if limit.most < MAXCONN) if haproxy else ()


def _no_lower_limit(socket: str, names: tuple[str, ...]) -> Check:
    """haproxy's own list of frontends and servers has no smaller limit for these."""
    listed = ", ".join(names)
    query = ask_script(socket, "show info", "show stat -1 5 -1")
    text = f'names="$*"\n({query}) | awk -F, -v least={MAXCONN} -v names=" $names " \'{SMALLER}\''
    problem = f"haproxy limits {listed} to less than {MAXCONN} connections"
    return script(
        text,
        "haproxy-limits",
        *names,
        means=f"haproxy allows at least {MAXCONN} connections for {listed}",
        problem=problem,
    )


def _step(places: Layout, host: Host, service: str, before: list[Step], limits: tuple[str, ...]) -> Step:
    part = places.haproxy if service == "haproxy" else places.keepalived
    assert part is not None
    step = reload_step(
        "service.reconfigure",
        host.name,
        part.unit,
        title=f"Reload {service}",
        why=WHY,
        phase=service,
        newer_than=(part.config_file,),
        test=file_test(service, part.config_file),
        also=(_no_lower_limit(places.haproxy.stats_socket, limits),) if places.haproxy and limits else (),
    )
    return replace(step, needs=tuple(one.id for one in before))
