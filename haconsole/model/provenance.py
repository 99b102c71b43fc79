"""Who wrote a configuration file of a balancer: what may be replaced, and what is the site's own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Where the content of a file comes from.

    `OURS` bears this cluster's mark and is as this console wrote it; `CHANGED` bears it and was edited since; `PACKAGE`
    is the distribution's unmodified file; `FOREIGN` is anything else, another cluster's file included.
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


@dataclass(frozen=True, slots=True)
class ManagedFile:
    """A file that this console writes on balancers, and whose it is now.

    `cluster` is the cluster that its mark names; None without a mark.
    """

    path: str
    owner: Owner
    cluster: str | None = None
