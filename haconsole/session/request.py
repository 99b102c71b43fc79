"""A request as planners take it."""

from __future__ import annotations

import re
from pathlib import Path

from haconsole.actions.action import Action, ArgumentKind, Request

ON_A_HOST = re.compile(r"[^:/]+:/")


def with_files(action: Action, request: Request) -> Request:
    """The request with absolute paths for the operator's files, so that a plan is the same wherever it is resumed."""
    files = {argument.name for argument in action.arguments if argument.kind is ArgumentKind.FILE}
    return {name: _whole(value) if name in files else value for name, value in request.items()}


def _whole(value: str) -> str:
    return value if ON_A_HOST.match(value) else str(Path(value).expanduser().absolute())
