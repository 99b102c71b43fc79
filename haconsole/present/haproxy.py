"""The haproxy pane: one row per server, with its state on each balancer."""

from __future__ import annotations

import msgspec

from haconsole.model.component import Verdict, verdict
from haconsole.model.haproxy import AdminState, HaproxyServer
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ages import span
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone
from haconsole.present.facts import display_of, oldest
from haconsole.present.row_keys import BalancerKey, ServerKey
from haconsole.present.table import Column, Row, TableView


class BalancerSight(msgspec.Struct, frozen=True):
    """A server as one balancer reports it; `current` is False when that balancer does not answer now."""

    balancer: HostName
    server: HaproxyServer
    current: bool


class ServerView(msgspec.Struct, frozen=True):
    """A server of a backend over all balancers that have it."""

    backend: str
    name: str
    sights: tuple[BalancerSight, ...]

    @property
    def key(self) -> ServerKey:
        return ServerKey(self.backend, self.name)

    @property
    def current(self) -> tuple[BalancerSight, ...]:
        return tuple(each for each in self.sights if each.current)


def balancers_of(snapshot: ClusterSnapshot) -> tuple[HostFacts, ...]:
    return tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))


def server_views(snapshot: ClusterSnapshot) -> tuple[ServerView, ...]:
    """Every server that any balancer has, in the order of the first that has it."""
    sights_by_server: dict[tuple[str, str], list[BalancerSight]] = {}
    for facts in balancers_of(snapshot):
        haproxy = display_of(facts.haproxy)
        for backend in haproxy.value.backends if haproxy.value else ():
            for server in backend.servers:
                sights_by_server.setdefault((backend.name, server.name), []).append(
                    BalancerSight(facts.host, server, not haproxy.stale)
                )
    return tuple(ServerView(backend, name, tuple(views)) for (backend, name), views in sights_by_server.items())


def haproxy_table(snapshot: ClusterSnapshot) -> TableView:
    """Servers, then the balancers that do not answer, so that none is overlooked."""
    balancers = balancers_of(snapshot)
    views = server_views(snapshot)
    several = len({view.backend for view in views}) > 1
    silent = tuple(facts for facts in balancers if not isinstance(facts.haproxy, Known))
    sight_rank = 3 if silent or any(_differs(view, len(balancers)) for view in views) else 7
    return TableView(
        title="haproxy",
        columns=(
            Column("BACKEND", rank=0 if several else 8, least=6 if several else None),
            Column("SERVER", least=6),
            Column("STATE", least=12),
            *(Column(f"ON {facts.host}", rank=sight_rank) for facts in balancers),
            Column("CHECK", rank=2),
            Column("SESS", rank=4, right=True),
            Column("ADDRESS", rank=5),
            Column("FOR", rank=4, right=True),
        ),
        rows=tuple(_row(view, balancers) for view in views) + tuple(_silent(facts, balancers) for facts in silent),
        at=oldest(facts.haproxy for facts in balancers),
        summaries=_summaries(views, silent, balancers),
        empty=Cell("no host of the inventory has the load-balancer role", Tone.MUTED),
    )


def _differs(view: ServerView, balancers: int) -> bool:
    """Whether the balancers do not all see the server in one state, so that each one's state matters."""
    return len(view.current) < balancers or len({each.server.status for each in view.current}) > 1


def server_state(view: ServerView) -> Cell:
    """The server in one cell: the state on most balancers and the number that see it up."""
    current = view.current
    if not current:
        return Cell("? not known", Tone.UNKNOWN)
    up = sum(each.server.up for each in current)
    odd = next((each.server.admin_state for each in current if each.server.admin_state is not AdminState.READY), None)
    if odd is not None:
        return Cell(f"▲ {odd} {up}/{len(current)}", Tone.WARNING)
    if up == len(current):
        return Cell(f"● UP {up}/{len(current)}", Tone.GOOD)
    return Cell(f"✖ DOWN {len(current) - up}/{len(current)}", Tone.CRITICAL)


def sight_cell(sight: BalancerSight | None) -> Cell:
    if sight is None:
        return NOTHING
    tone = Tone.GOOD if sight.server.up else Tone.CRITICAL
    if sight.server.admin_state is not AdminState.READY:
        tone = Tone.WARNING
    return Cell(sight.server.status, tone) if sight.current else Cell(f"? {sight.server.status}", Tone.STALE)


def _row(view: ServerView, balancers: tuple[HostFacts, ...]) -> Row:
    by_host = {each.balancer: each for each in view.sights}
    sights = view.current or view.sights
    worst = next((each.server for each in sights if not each.server.up), sights[0].server)
    cells = (
        Cell(view.backend, Tone.MUTED),
        Cell(view.name),
        server_state(view),
        *(_on(facts, by_host.get(facts.host)) for facts in balancers),
        Cell(worst.check or "–"),
        Cell(str(sum(each.server.sessions for each in view.current))),
        Cell(worst.address, Tone.MUTED),
        Cell(span(worst.last_change_s), Tone.MUTED),
    )
    return Row(view.key, cells, stale=not view.current)


def _on(facts: HostFacts, sight: BalancerSight | None) -> Cell:
    return UNKNOWN if sight is None and not isinstance(facts.haproxy, Known) else sight_cell(sight)


def silent_state(facts: HostFacts) -> Cell:
    """A balancer without an answer now: not queried, its host lost, or haproxy itself not answering."""
    if not isinstance(facts.haproxy, Failed):
        return Cell("? not queried yet", Tone.UNKNOWN)
    is_down = verdict(facts, "haproxy", facts.haproxy) is Verdict.DOWN or facts.haproxy.cause is Cause.NOT_INSTALLED
    if isinstance(facts.reach, Failed) or not is_down:
        return Cell("? no answer", Tone.UNKNOWN)
    return Cell("✖ no haproxy", Tone.CRITICAL)


def _silent(facts: HostFacts, balancers: tuple[HostFacts, ...]) -> Row:
    """A heading: it is about a balancer, not about a server."""
    cells = (Cell(""), Cell(f"balancer {facts.host}", Tone.ACCENT), silent_state(facts))
    return Row(BalancerKey(facts.host), (*cells, *(Cell(""),) * (len(balancers) + 4)), heading=True)


def _summaries(
    views: tuple[ServerView, ...], silent: tuple[HostFacts, ...], balancers: tuple[HostFacts, ...]
) -> tuple[Cell, ...]:
    if not balancers:
        return (Cell("none", Tone.MUTED),)
    if len(silent) == len(balancers):
        return (Cell("? no balancer answers", Tone.UNKNOWN), Cell("? no answer", Tone.UNKNOWN))
    up = sum(bool(view.current) and all(each.server.up for each in view.current) for view in views)
    whole = up == len(views) and not silent
    tone = Tone.GOOD if whole else Tone.CRITICAL if up < len(views) else Tone.WARNING
    sign = "●" if whole else "✖" if up < len(views) else "▲"
    tail = f", {len(silent)} not answering" if silent else ""
    share = f"{sign} {up}/{len(views)} up"
    texts = (f"{sign} {up} of {len(views)} servers up everywhere{tail}", f"{share}{tail}", share)
    return tuple(Cell(text, tone) for text in texts)
