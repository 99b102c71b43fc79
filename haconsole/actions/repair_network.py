"""Repairs of a host's network: a route that drops packets to another host, and an interface that is down."""

from __future__ import annotations

from haconsole.actions.build import script
from haconsole.actions.checks import Check
from haconsole.actions.repair_step import repair_step, undo_by
from haconsole.actions.step import Step
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script

ROUTE = load_script("drop-route")
LINK_IS_DOWN = 'read -r state <"/sys/class/net/$1/operstate" && [ "$state" = down ]'
LINK_IS_UP = 'read -r state <"/sys/class/net/$1/operstate" && [ "$state" != down ]'


def route(snapshot: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    """Only routes to exactly one address: a wider one may be a decision about another network."""
    others = {one.address for one in snapshot.hosts if one is not facts} | set(snapshot.vips)
    if target not in others:
        return f"{target} is neither an address of another host nor a VIP"

    def check(mode: str, means: str, problem: str) -> Check:
        return script(ROUTE, "drop-route", mode, target, means=means, problem=problem)

    missing = f"{facts.host} has no route that drops packets to {target}: compare ip route show with another host"
    some = check("some", f"a route drops packets to {target}", missing)
    return repair_step(
        facts,
        "route",
        title=f"Remove the route that drops packets to {target}",
        why="The host does not reach this address of the cluster, although other hosts do. No file is changed.",
        command=("sh", "-ec", ROUTE, "drop-route", "remove", target),
        precondition=(some,),
        verification=(check("none", "no such route is left", f"a route drops packets to {target}"),),
        undo=undo_by(some, "sh", "-ec", ROUTE, "drop-route", "back", target),
    )


def link(_: ClusterSnapshot, facts: HostFacts, target: str) -> Step | str:
    """An interface that the host reports as switched off; one without a carrier needs a cable."""
    system = value_of(facts.system)
    if (target, "down") not in (system.links_down if system else ()):
        return f"{facts.host} does not report that the interface {target} is down"
    down = script(LINK_IS_DOWN, "down", target, means=f"{target} is down", problem=f"{target} is up")
    return repair_step(
        facts,
        "link",
        title=f"Switch the interface {target} on",
        why="Components of the host need the interface. No file is changed.",
        command=("ip", "link", "set", "dev", target, "up"),
        precondition=(down,),
        verification=(script(LINK_IS_UP, "up", target, means=f"{target} is up", problem=f"{target} is down"),),
        undo=undo_by(down, "ip", "link", "set", "dev", target, "down"),
    )
