"""The findings of `haconsole doctor` once every fact was read, which takes longer than 5 s on a busy machine."""

from __future__ import annotations

import json
from typing import Any

from tests.hosts.program import Program


def complete_doctor(program: Program) -> dict[str, Any]:
    """The report on the program's inventory, with the exit status as `exit`."""
    result = program.verb("doctor", str(program.inventory), "--json", "--complete")
    assert result.stdout.startswith("{"), result.stdout + result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["pending"] == [], document["pending"]
    return {**document, "exit": result.returncode}
