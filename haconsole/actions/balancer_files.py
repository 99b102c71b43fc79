"""Refusals to overwrite a balancer's files that haconsole did not write, each with a way to continue."""

from __future__ import annotations

from collections.abc import Iterable

from haconsole.actions.build import script
from haconsole.actions.checks import CommandSucceeds
from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Inventory
from haconsole.model.balancer_files_view import FileOwner, file_owner
from haconsole.model.hosts import HostFacts
from haconsole.model.names import HostName
from haconsole.model.provenance import Owner
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script

MAY_WRITE = load_script("check-may-write")


def not_replaceable(
    snapshot: ClusterSnapshot, places: Layout, files: Iterable[tuple[str, tuple[str, ...]]]
) -> tuple[str, ...]:
    """The reasons not to write `files` (paths by host): they are the site's own, were changed, or could not be read.

    Files of the same path and kind make one sentence.
    """
    owners = [file_owner(snapshot, host, path) for host, paths in files for path in paths]
    alike: dict[tuple[str, str], list[FileOwner]] = {}
    for one in owners:
        if not one.replaceable:
            alike.setdefault((one.path, _what(one)), []).append(one)
    return tuple(
        f"{path} on {', '.join(one.host for one in same)} {what}{_way_out(snapshot, places, same)}"
        for (path, what), same in alike.items()
    )


def _what(one: FileOwner) -> str:
    if one.file is None:
        return f"is possibly not haconsole's: it could not be read ({one.reason})"
    if one.file.owner is Owner.CHANGED:
        return "was changed since haconsole wrote it, and is not overwritten"
    if one.file.cluster:
        return f"is marked as a file of the cluster {one.file.cluster}, and is not overwritten"
    return "was not written by haconsole, and is not overwritten"


def _way_out(snapshot: ClusterSnapshot, places: Layout, same: list[FileOwner]) -> str:
    first = same[0]
    if first.file is None:
        return ""
    unit = unit_of(places, first.path)
    stopped = tuple(one.host for one in same if is_stopped(snapshot.host(one.host), unit))
    start = f"; {unit} is stopped on {', '.join(stopped)}: start it there (systemctl start {unit})" if stopped else ""
    return f"{start}; to let haconsole write the file, move it away first: mv {first.path} {first.path}.before"


def may_write(inventory: Inventory, path: str) -> CommandSucceeds:
    """The file at `path` on the step's host is this console's, the package's own, or absent."""
    means = f"{path} is absent, unchanged since its package installed it, or unchanged since haconsole wrote it"
    problem = f"{path} is not overwritten; move it away to let haconsole write it"
    return script(MAY_WRITE, "may-write", inventory.cluster, path, means=means, problem=problem, timeout_s=30.0)


def unit_of(places: Layout, path: str) -> str:
    """The unit, without ``.service``, that a balancer's file belongs to."""
    haproxy = places.haproxy
    ours = haproxy is not None and path in (haproxy.config_file, haproxy.drop_in)
    return "haproxy" if ours else "keepalived"


def is_stopped(facts: HostFacts | None, unit: str) -> bool:
    """Whether the unit is known not to run."""
    service = facts.service(unit) if facts else None
    return service is not None and service.exists and not service.running


def heedless(snapshot: ClusterSnapshot, places: Layout, hosts: Iterable[str]) -> tuple[str, ...]:
    """The reason why the down file cannot move VIPs: keepalived on one of `hosts` is not set up by this console."""
    keepalived, haproxy = places.keepalived, places.haproxy
    if keepalived is None or haproxy is None:
        return ()
    files = (keepalived.config_file, keepalived.check_script, haproxy.config_file)
    owners = [file_owner(snapshot, host, path) for host in hosts for path in files]
    lacking = [one for one in owners if not one.ours and not _still_asked(one, haproxy.config_file)]
    return tuple(_heedless(host, [one for one in lacking if one.host == host]) for host in _hosts(lacking))


def _still_asked(one: FileOwner, haproxy_config: str) -> bool:
    """A changed haproxy.cfg may still have its health port; that is checked before anything moves."""
    return one.path == haproxy_config and one.file is not None and one.file.owner is Owner.CHANGED


def _hosts(owners: list[FileOwner]) -> tuple[HostName, ...]:
    return tuple(dict.fromkeys(one.host for one in owners))


def _heedless(host: HostName, files: list[FileOwner]) -> str:
    """Files that could not be read prove nothing: whether the check reads the down file is then unknown."""
    foreign = [one for one in files if one.file is not None]
    listing = ", ".join(f"{one.path} {_short(one)}" for one in foreign or files)
    if not foreign:
        return f"the balancer on {host} may ignore the down file: {listing}; try again"
    return (
        f"haconsole did not set up the balancer on {host}, so keepalived's check there ignores the down file: {listing}"
    )


def _short(one: FileOwner) -> str:
    if one.file is None:
        return f"could not be read ({one.reason})"
    words = {
        Owner.CHANGED: "was changed since haconsole wrote it",
        Owner.ABSENT: "does not exist",
        Owner.PACKAGE: "is the package's own",
    }
    return words.get(one.file.owner, "was not written by haconsole")
