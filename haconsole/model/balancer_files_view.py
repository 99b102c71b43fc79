"""Which files of the balancers haconsole may write, and which keepalived releases the VIP for the down file."""

from __future__ import annotations

import msgspec

from haconsole.model.names import HostName
from haconsole.model.observed import reason_of, value_of
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.model.snapshot import ClusterSnapshot


class FileOwner(msgspec.Struct, frozen=True):
    """`file` is None if the owner of the file at `path` is unknown; `reason` is why."""

    host: HostName
    path: str
    file: ManagedFile | None
    reason: str = ""

    @property
    def ours(self) -> bool:
        return self.file is not None and self.file.owner is Owner.OURS

    @property
    def replaceable(self) -> bool:
        return self.file is not None and self.file.owner.replaceable


def file_owner(snapshot: ClusterSnapshot, host: str, path: str) -> FileOwner:
    """The owner of the file at `path` on `host`, as last observed."""
    name = HostName(host)
    facts = snapshot.host(name)
    files = value_of(facts.balancer_files) if facts else None
    file = next((one for one in files or () if one.path == path), None)
    why = (reason_of(facts.balancer_files) if facts else None) or "it was not queried"
    return FileOwner(name, path, file, "" if file else why)


def all_ours(snapshot: ClusterSnapshot, host: str, paths: tuple[str, ...]) -> bool:
    """Whether every one of `paths` on `host` is known to be as this console wrote it."""
    return all(file_owner(snapshot, host, path).ours for path in paths)


def any_foreign(snapshot: ClusterSnapshot, host: str, paths: tuple[str, ...]) -> bool:
    """Whether one of `paths` on `host` is known to be the site's own, or changed since it was written."""
    owners = (file_owner(snapshot, host, path) for path in paths)
    return any(one.file is not None and not one.file.owner.replaceable for one in owners)
