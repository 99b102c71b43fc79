"""Reports as JSON."""

from __future__ import annotations

import msgspec

from haconsole.cli.reports.findings import Shape


def encoded(report: Shape) -> str:
    """One line of JSON."""
    return msgspec.json.encode(report).decode()
