"""Components of all hosts: what supervises each, and on which hosts it is in which state."""

from __future__ import annotations

from haconsole.model.hosts import ServiceKind, ServiceState
from haconsole.model.service_view import ServiceRow, service_rows
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Cell, Tone
from haconsole.present.facts import oldest
from haconsole.present.row_keys import HostKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (Column("SERVICE"), Column("KIND"), Column("STATE"))
KINDS = {ServiceKind.UNIT: "unit", ServiceKind.STATIC_POD: "static pod"}


def services_table(snapshot: ClusterSnapshot) -> TableView:
    """One row a component, with the hosts on which it is in each state."""
    by_component: dict[tuple[str, ServiceKind], list[ServiceRow]] = {}
    for row in service_rows(snapshot):
        by_component.setdefault((row.service.name, row.service.kind), []).append(row)
    rows = tuple(
        Row(HostKey(states[0].host), (Cell(name), Cell(KINDS[kind], Tone.MUTED), _states(states)))
        for (name, kind), states in by_component.items()
    )
    return TableView(
        title="services",
        columns=COLUMNS,
        rows=rows,
        at=oldest(facts.services for facts in snapshot.hosts),
        summaries=_summaries(by_component),
        empty=Cell("no service is known", Tone.MUTED),
    )


def _states(rows: list[ServiceRow]) -> Cell:
    by_state: dict[str, list[str]] = {}
    for row in rows:
        by_state.setdefault(_state(row.service), []).append(_host(row))
    text = "; ".join(f"{state} on {', '.join(hosts)}" for state, hosts in by_state.items())
    return Cell(text, Tone.GOOD if all(row.service.running for row in rows) else Tone.CRITICAL)


def _state(service: ServiceState) -> str:
    if not service.exists:
        return "absent"
    return "masked" if service.masked else service.active


def _host(row: ServiceRow) -> str:
    """The host; of a component that does not run with its restarts and the reason, as far as these are known."""
    if row.service.running or not row.service.exists:
        return row.host
    details = (f"{row.restarts} restarts" if row.restarts else "", row.reason)
    known = "; ".join(filter(None, details))
    return f"{row.host} ({known})" if known else row.host


def _summaries(by_component: dict[tuple[str, ServiceKind], list[ServiceRow]]) -> tuple[Cell, ...]:
    rows = [row for states in by_component.values() for row in states]
    running = sum(row.service.running for row in rows)
    if not rows:
        return (Cell("none known", Tone.MUTED),)
    sign, tone = ("●", Tone.GOOD) if running == len(rows) else ("✖", Tone.CRITICAL)
    return (Cell(f"{sign} {running}/{len(rows)} active", tone),)
