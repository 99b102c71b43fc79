"""Removes from an imported draft what an inventory cannot express."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from haconsole.inventory.decode import decode
from haconsole.inventory.formats import Folders
from haconsole.inventory.importers.draft import Draft, HostDraft, Omitted, Settings, write
from haconsole.inventory.load import examine
from haconsole.inventory.nodes import ListNode, MapNode, Node, UnreadableError, compose
from haconsole.inventory.problems import Fault, Level, Mark
from haconsole.inventory.rules.table import judge
from haconsole.model.hosts import Role

_PARTS = ("etcd", "kubernetes", "haproxy", "keepalived", "kube_vip")
_ROUNDS = 5
_BALANCER = Role.LOAD_BALANCER.value
Where = tuple[str | int, ...]


def fitting(draft: Draft) -> Draft:
    """The draft with each setting that the schema refuses, and each VIP that a rule refuses, replaced by the reason.

    Settings that must be there stay.
    """
    for _ in range(_ROUNDS):
        fitted = draft
        for where, fault in _faults(draft):
            fitted = _without(fitted, where, Omitted(f"{fault.what}; {fault.hint}"))
        if fitted == draft:
            break
        draft = fitted
    return draft


def at_least_watched(draft: Draft) -> Draft:
    """The draft, without its balancers and VIPs where only these are refused; a note has the reasons."""
    refused = _errors(draft)
    if not refused:
        return draft
    hosts = tuple(replace(host, roles=tuple(role for role in host.roles if role != _BALANCER)) for host in draft.hosts)
    names = ", ".join(host.name for host in draft.hosts if _BALANCER in host.roles)
    rest = replace(
        draft,
        hosts=tuple(replace(host, vrrp_priority=None) for host in hosts if host.roles),
        vips=tuple(vip for vip in draft.vips if isinstance(vip.get("address"), Omitted)),
        haproxy={},
        keepalived={},
        notes=(*draft.notes, f"the balancers on {names} and their VIPs are left out: {'; '.join(refused)}"),
    )
    return draft if _errors(rest) else rest


def _errors(draft: Draft) -> tuple[str, ...]:
    errors = examine(write(draft), "<draft>", Path("/")).errors
    return tuple(dict.fromkeys(error.what for error in errors))


def _faults(draft: Draft) -> Iterator[tuple[Where, Fault]]:
    try:
        root = compose(write(draft))
    except UnreadableError:
        return
    places = {mark: where for where, mark in reversed(list(_values(root, ())))}
    decoded = decode(root, Folders(Path("/"), None))
    for fault in decoded.faults:
        if fault.mark in places:
            yield places[fault.mark], fault
    if not decoded.faults:
        yield from _vips_refused(judge(decoded), places)


def _vips_refused(faults: Iterable[Fault], places: Mapping[Mark, Where]) -> Iterator[tuple[Where, Fault]]:
    """VIPs that the rules refuse, as an inventory is of use without them too."""
    for fault in faults:
        match places.get(fault.mark):
            case ("vips", int(index), *_) if fault.level is Level.ERROR:
                yield ("vips", index, "address"), fault
            case _:
                pass


def _values(node: Node, where: Where) -> Iterator[tuple[Where, Mark]]:
    if isinstance(node, MapNode):
        for key, value in node.entries:
            yield from _values(value, (*where, key.text))
    elif isinstance(node, ListNode):
        for index, value in enumerate(node.items):
            yield from _values(value, (*where, index))
    else:
        yield where, node.mark


def _without(draft: Draft, where: Where, omitted: Omitted) -> Draft:
    match where:
        case (str(part), str(key), *_) if part in _PARTS:
            return _with_part(draft, part, {**(getattr(draft, part) or {}), key: omitted})
        case ("vips", int(index), str(key), *_):
            places = [_written_index(draft.vips, at) for at in range(len(draft.vips))]
            pairs = zip(places, draft.vips, strict=True)
            return replace(draft, vips=tuple(_vip(vip, key, omitted) if at == index else vip for at, vip in pairs))
        case ("hosts", int(index), ("vrrp_priority" | "etcd_name") as key):
            hosts = [_host(host, key, omitted) if at == index else host for at, host in enumerate(draft.hosts)]
            return replace(draft, hosts=tuple(hosts))
        case _:
            return draft


def _with_part(draft: Draft, part: str, settings: Settings) -> Draft:
    match part:
        case "etcd":
            return replace(draft, etcd=settings)
        case "kubernetes":
            return replace(draft, kubernetes=settings)
        case "haproxy":
            return replace(draft, haproxy=settings)
        case "kube_vip":
            return replace(draft, kube_vip=settings)
        case _:
            return replace(draft, keepalived=settings)


def _written_index(vips: tuple[Settings, ...], at: int) -> int | None:
    """The place of a VIP among those that are written, None for one that is not."""
    real = [index for index, vip in enumerate(vips) if not isinstance(vip.get("address"), Omitted)]
    return real.index(at) if at in real else None


def _vip(vip: Settings, key: str, omitted: Omitted) -> Settings:
    """A VIP without a setting; one whose address is refused is left out completely."""
    return {"address": omitted} if key == "address" else {**vip, key: omitted}


def _host(host: HostDraft, key: str, omitted: Omitted) -> HostDraft:
    return replace(host, vrrp_priority=omitted) if key == "vrrp_priority" else replace(host, etcd_name=omitted)
