"""The VIP pane: the owner of each virtual address, as every balancer host reports it."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.model.endpoint_view import endpoint_view
from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.lease import LeaseState
from haconsole.model.names import Vip
from haconsole.model.observed import Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import KUBE_VIP, KeepalivedFacts, LeasedVip, VipState, VipView, VrrpInstance, VrrpState
from haconsole.model.vip_view import lease_of, possible_holders, vip_views
from haconsole.present.ages import SELDOM_S
from haconsole.present.cells import NOTHING, UNKNOWN, Cell, Tone, remembered
from haconsole.present.facts import display_of, oldest
from haconsole.present.row_keys import VipKey
from haconsole.present.table import Column, Row, TableView


def vips_table(snapshot: ClusterSnapshot) -> TableView:
    """One row for each VIP and each host that could hold it."""
    views = vip_views(snapshot)
    pairs = tuple((facts, view) for view in views for facts in possible_holders(snapshot, view.address))
    leased = snapshot.leased_vip
    rows = (
        _leased_row(facts, view, snapshot, leased) if leased and view.address == leased.address else _row(facts, view)
        for facts, view in pairs
    )
    by_lease = leased is not None and snapshot.vips == (leased.address,)
    return TableView(
        title="VIP owner",
        columns=(
            Column("VIP", rank=0 if len(views) > 1 else 5, least=7 if len(views) > 1 else None),
            Column("HOST", least=6),
            Column("HOLDS"),
            *(_OF_LEASE if by_lease else _OF_VRRP),
        ),
        rows=tuple(rows),
        at=oldest(fact for facts, _ in pairs for fact in (facts.addresses, facts.keepalived)),
        warn_s=SELDOM_S,
        summaries=_summaries(views),
        empty=_empty(snapshot),
    )


def _empty(snapshot: ClusterSnapshot) -> Cell:
    """Without a VIP, what answers behind the endpoint."""
    view = endpoint_view(snapshot)
    return Cell(view.sentence) if view else Cell("the inventory has no VIP", Tone.MUTED)


_OF_VRRP = (Column("VRRP"), Column("PRIO", rank=1, right=True), Column("KEEPALIVED", rank=2, least=10))
_OF_LEASE = (Column("LEASE"), Column("PRIO", rank=4, right=True), Column("KUBE-VIP", rank=2, least=8))
"""The columns where kube-vip moves the only VIP; it has no priorities."""


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
        return Cell("? was owner" if mine else "? was not", Tone.UNKNOWN)
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


def _leased_row(facts: HostFacts, view: VipView, snapshot: ClusterSnapshot, vip: LeasedVip) -> Row:
    """A host that can hold kube-vip's address, with its part in the lease in place of a VRRP state."""
    cells = (
        Cell(view.address),
        Cell(facts.host),
        holds(facts, view),
        _lease_cell(facts, snapshot, vip),
        NOTHING,
        service_cell(facts.services, KUBE_VIP),
    )
    return Row(VipKey(view.address, facts.host), _aged(cells) if facts.host in view.unheard else cells)


def _lease_cell(facts: HostFacts, snapshot: ClusterSnapshot, vip: LeasedVip) -> Cell:
    lease = lease_of(snapshot, vip)
    if lease is None:
        return UNKNOWN
    if lease.host != facts.host:
        return NOTHING
    state = lease.state(snapshot.observed_at)
    return Cell("holder") if state is LeaseState.HELD else Cell(str(state), Tone.CRITICAL)


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
            long = Cell(
                f"? {view.address}: on {', '.join(view.owners)} at the same time, not confirmed yet", Tone.UNKNOWN
            )
            return (long, Cell("? owner unknown", Tone.UNKNOWN))
        case VipState.UNKNOWN:
            unheard = ", ".join(view.unheard)
            long = Cell(f"? {view.address}: {unheard} not answering", Tone.UNKNOWN)
            return (long, Cell("? owner unknown", Tone.UNKNOWN))
