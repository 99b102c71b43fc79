"""The VIP pane: the owner of each virtual address, as every balancer host reports it."""

from __future__ import annotations

from dataclasses import replace

from haconsole.model.hosts import HostFacts, Role, ServiceState
from haconsole.model.names import Vip
from haconsole.model.observed import Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KeepalivedFacts, VipState, VipView, VrrpInstance, VrrpState
from haconsole.model.vip_view import vip_views
from haconsole.present.ages import SELDOM_S
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone, remembered
from haconsole.present.facts import display_of, oldest
from haconsole.present.row_keys import VipKey
from haconsole.present.table import Column, Row, TableView


def vips_table(snapshot: ClusterSnapshot) -> TableView:
    """One row for each VIP and each host that could hold it."""
    views = vip_views(snapshot)
    balancers = tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
    rows = tuple(_row(facts, view) for view in views for facts in balancers)
    return TableView(
        title="VIP owner",
        columns=(
            Column("VIP", rank=0 if len(views) > 1 else 3, least=7 if len(views) > 1 else None),
            Column("HOST", least=6),
            Column("HOLDS"),
            Column("VRRP"),
            Column("PRIO", rank=1, right=True),
            Column("KEEPALIVED", rank=2, least=10),
        ),
        rows=rows,
        at=oldest(fact for facts in balancers for fact in (facts.addresses, facts.keepalived)),
        warn_s=SELDOM_S,
        summaries=_summaries(views),
        empty=Cell("the inventory has no VIP", Tone.MUTED),
    )


def instance_of(facts: KeepalivedFacts | None, vip: Vip) -> VrrpInstance | None:
    """The VRRP instance that moves the address on this host."""
    return next((each for each in facts.instances if vip in each.vips), None) if facts else None


def holds(facts: HostFacts, view: VipView) -> Cell:
    """Whether the host has the address on an interface; the last known state when the host does not answer."""
    had = display_of(facts.addresses)
    if had.value is None:
        return UNKNOWN
    mine = any(entry.address == view.address for entry in had.value)
    if had.stale or facts.host in view.unheard:
        return Cell("? had it" if mine else "? had not", Tone.UNKNOWN)
    if not mine:
        return NOTHING
    return Cell("✖ owner too", Tone.CRITICAL) if view.state is VipState.SPLIT else Cell("◆ owner", Tone.ACCENT)


def vrrp_cell(instance: VrrpInstance | None, known: bool) -> Cell:
    if instance is None:
        return NOTHING if known else UNKNOWN
    if instance.state is None:
        return NOTHING
    return Cell(str(instance.state), Tone.CRITICAL if instance.state is VrrpState.FAULT else Tone.PLAIN)


def service_cell(services: Observed[tuple[ServiceState, ...]], name: str) -> Cell:
    """A service in one word: its ActiveState, ``absent`` when the host has no such unit, ``?`` when unknown."""
    known = display_of(services)
    if known.value is None:
        return UNKNOWN
    unit = next((each for each in known.value if each.name == name), None)
    if unit is None or not unit.exists:
        return Cell("absent", Tone.STALE if known.stale else Tone.WARNING)
    if known.stale:
        return Cell(f"? {unit.active}", Tone.STALE)
    return Cell(unit.active, Tone.GOOD if unit.running else Tone.CRITICAL)


def _row(facts: HostFacts, view: VipView) -> Row:
    keepalived = display_of(facts.keepalived)
    instance = instance_of(keepalived.value, view.address)
    if instance is not None and _stopped(facts):
        instance = replace(instance, state=None)
    service = service_cell(facts.services, "keepalived")
    if keepalived.value is not None and keepalived.value.forced_down:
        service = Cell("▲ forced down", Tone.WARNING)
    cells = (
        Cell(view.address),
        Cell(facts.host),
        holds(facts, view),
        vrrp_cell(instance, keepalived.value is not None),
        Cell(str(instance.priority)) if instance else NOTHING if keepalived.value else UNKNOWN,
        service,
    )
    return Row(VipKey(view.address, facts.host), _aged(cells) if facts.host in view.unheard else cells)


def _stopped(facts: HostFacts) -> bool:
    """Whether keepalived is known not to run, so that its last state means nothing."""
    return any(unit.name == "keepalived" and not unit.running for unit in display_of(facts.services).value or ())


def _aged(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(cell if cell.tone is Tone.UNKNOWN else remembered(cell) for cell in cells)


def _summaries(views: tuple[VipView, ...]) -> tuple[Cell, ...]:
    if not views:
        return (Cell("none", Tone.MUTED),)
    if len(views) == 1:
        return vip_sentences(views[0])
    bad = tuple(view for view in views if view.state is not VipState.OWNED)
    if bad:
        return tuple(Cell(f"{cell.text}", cell.tone) for cell in vip_sentences(bad[0]))
    return (Cell(f"● all {len(views)} owned", Tone.GOOD),)


def vip_sentences(view: VipView) -> tuple[Cell, ...]:
    """The owner of the address, the longest version first."""
    match view.state:
        case VipState.OWNED:
            return (Cell(f"● {view.address} on {view.owners[0]}", Tone.GOOD), Cell(f"● {view.owners[0]}", Tone.GOOD))
        case VipState.SPLIT:
            owners = ", ".join(view.owners)
            return (Cell(f"✖ {view.address} SPLIT: {owners}", Tone.CRITICAL), Cell("✖ SPLIT", Tone.CRITICAL))
        case VipState.UNOWNED:
            return (Cell(f"✖ {view.address} UNOWNED", Tone.CRITICAL), Cell("✖ UNOWNED", Tone.CRITICAL))
        case VipState.UNKNOWN if len(view.owners) > 1:
            long = Cell(f"? {view.address}: {', '.join(view.owners)} at once, not confirmed yet", Tone.UNKNOWN)
            return (long, Cell("? owner unknown", Tone.UNKNOWN))
        case VipState.UNKNOWN:
            unheard = ", ".join(view.unheard)
            long = Cell(f"? {view.address}: {unheard} not answering", Tone.UNKNOWN)
            return (long, Cell("? owner unknown", Tone.UNKNOWN))
