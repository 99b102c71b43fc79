"""Rules about balancers that this console did not set up: which actions work there; their files stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from haconsole.configs.balancer_files import haproxy_files, keepalived_files
from haconsole.configs.layout import Layout, layout
from haconsole.diagnosis.candidate import Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import Inventory
from haconsole.model.balancer_files_view import any_foreign
from haconsole.model.findings import ActionCall, Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed
from haconsole.model.snapshot import ClusterSnapshot

FILES: dict[str, Callable[[Layout], tuple[str, ...]]] = {"keepalived": keepalived_files, "haproxy": haproxy_files}
MOVES = ("failover", "failback")


def without_replacing(
    candidates: tuple[Candidate, ...], snapshot: ClusterSnapshot, inventory: Inventory
) -> tuple[Candidate, ...]:
    """The candidates; a remedy that a foreign file prevents becomes advice for manual work."""
    foreign = {part: _foreign(part, snapshot, inventory) for part in FILES}
    if not any(foreign.values()):
        return candidates
    return tuple(replace(candidate, finding=_by_hand(candidate.finding, foreign)) for candidate in candidates)


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Actions that this console refuses because of how balancers are set up."""
    for part in FILES:
        hosts = _foreign(part, snapshot, inventory)
        if hosts:
            yield _foreign_files(part, hosts)
    silent = tuple(facts.host for facts in _balancers(snapshot) if no_socket(facts))
    if silent:
        foreign = _foreign("haproxy", snapshot, inventory)
        yield _no_socket(silent, tuple(host for host in silent if host not in foreign))


def no_socket(facts: HostFacts) -> bool:
    """haproxy runs, but without a stats socket to query."""
    return isinstance(facts.haproxy, Failed) and facts.haproxy.cause is Cause.NOT_CONFIGURED


def _balancers(snapshot: ClusterSnapshot) -> tuple[HostFacts, ...]:
    return tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))


def _foreign(part: str, snapshot: ClusterSnapshot, inventory: Inventory) -> tuple[HostName, ...]:
    """The balancers with a file of this part that was not written by this console, or was changed since."""
    paths = FILES[part](layout(inventory))
    return tuple(facts.host for facts in _balancers(snapshot) if any_foreign(snapshot, facts.host, paths))


def _by_hand(finding: Finding, foreign: dict[str, tuple[HostName, ...]]) -> Finding:
    remedies = tuple(_without_foreign_files(remedy, foreign) for remedy in finding.remedies)
    return replace(finding, remedies=tuple(dict.fromkeys(remedies)))


def _without_foreign_files(remedy: Remedy, foreign: dict[str, tuple[HostName, ...]]) -> Remedy:
    if not isinstance(remedy, ActionCall):
        return remedy
    part = "keepalived" if remedy.action in MOVES else remedy.request.get("only", "")
    hosts = foreign.get(part, ())
    if not hosts or remedy.action not in (*MOVES, "bootstrap"):
        return remedy
    what = remedy.text or f"do what the action {remedy.action} does"
    return advice(f"{what}: by hand, because haconsole did not write {part}'s files on {', '.join(hosts)}")


def _foreign_files(part: str, hosts: tuple[HostName, ...]) -> Candidate:
    where = ", ".join(hosts)
    limits = {
        "keepalived": (
            "haconsole observes keepalived's VIP. It refuses the action failover unless keepalived's check "
            "tracks the down file."
        ),
        "haproxy": "The actions drain and ready find a server of haproxy by its address. They need a stats socket.",
    }
    return Candidate(
        Finding(
            "balancer.foreign",
            Severity.INFO,
            part,
            f"{part}'s files on {where} were not written by haconsole, or were changed since",
            f"haconsole never replaces such files. {limits[part]}",
            (),
            (advice("to let haconsole write such a file: move the existing file away, then run bootstrap"),),
        )
    )


def _no_socket(hosts: tuple[HostName, ...], own: tuple[HostName, ...]) -> Candidate:
    """`own` are those with the configuration that haconsole writes, which names a socket."""
    restarts = tuple(
        call("restart", "haproxy then opens its stats socket", service="haproxy", host=host) for host in own
    )
    configure = advice("add `stats socket` with level admin to haproxy's global section, then reload haproxy")
    return Candidate(
        Finding(
            "balancer.no-socket",
            Severity.INFO,
            "haproxy",
            f"haproxy on {', '.join(hosts)} has no stats socket: its servers cannot be shown or drained",
            "Clients may be unaffected; only the server states that haproxy reports are unknown.",
            (),
            (*restarts, *((configure,) if set(hosts) - set(own) else ())),
        )
    )
