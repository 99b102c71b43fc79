"""Everything known of a cluster at one moment, with its findings."""

from __future__ import annotations

import msgspec

from haconsole.model.findings import Finding, Health
from haconsole.model.snapshot import ClusterSnapshot


class ClusterStatus(msgspec.Struct, frozen=True):
    """A snapshot, its findings, most severe first, and the health they amount to."""

    snapshot: ClusterSnapshot
    findings: tuple[Finding, ...]
    health: Health
