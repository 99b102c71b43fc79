"""Errors of a lab, one sentence each."""

from __future__ import annotations

from haconsole.errors import HaconsoleError


class LabError(HaconsoleError):
    """A lab cannot be created, changed or queried; everything started for it has been undone."""


class LabImpossibleError(LabError):
    """This machine cannot run a lab now: no root, no Debian, a kernel feature or space missing."""
