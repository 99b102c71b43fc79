"""The origin of a balancer's configuration file: files that may be replaced, and the site's own."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Owner(StrEnum):
    """The origin of a file's content.

    `OURS` has this cluster's mark and is as this console wrote it; `CHANGED` has it and was edited since; `PACKAGE` is
    the distribution's unmodified file; `FOREIGN` is anything else, another cluster's file included.
    """

    OURS = "ours"
    CHANGED = "changed"
    PACKAGE = "package"
    FOREIGN = "foreign"
    ABSENT = "absent"

    @property
    def replaceable(self) -> bool:
        """Whether this console may write the file."""
        return self in (Owner.OURS, Owner.PACKAGE, Owner.ABSENT)


class ManagedFile(msgspec.Struct, frozen=True):
    """A file that this console writes on balancers, and its current owner.

    `cluster` is the cluster that its mark names; None without a mark.
    """

    path: str
    owner: Owner
    cluster: str | None = None
