"""What can go wrong with a lab, in one sentence each."""

from __future__ import annotations

from haconsole.errors import HaconsoleError


class LabError(HaconsoleError):
    """A lab cannot be made, changed or asked; whatever was begun for it has been taken back."""


class LabImpossibleError(LabError):
    """This machine cannot have a lab as things stand: no root, no Debian, a kernel feature or space missing."""
