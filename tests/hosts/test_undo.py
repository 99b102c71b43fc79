"""Small actions undone on real hosts: the leader leads again, the server is as it was in every balancer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hosts.program import Program


def states(program: Program, server: str) -> set[str]:
    """The states that the balancers have a server in."""
    return {
        one["admin_state"]
        for balancer in status(program)["haproxy"]
        for backend in balancer["backends"]
        for one in backend["servers"]
        if one["name"] == server
    }


def status(program: Program) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(program.verb("status", str(program.inventory), "--json").stdout)
    return document


def leader(program: Program) -> str:
    return str(status(program)["etcd"]["leader"])


@pytest.mark.nightly
def test_a_drain_and_a_ready_are_undone(installed: Program) -> None:
    drained = installed.events("drain", "cp1")
    assert states(installed, "cp1") == {"drain"}
    installed.undo(drained)
    assert states(installed, "cp1") == {"ready"}
    installed.events("drain", "cp1")
    readied = installed.events("ready", "cp1")
    assert states(installed, "cp1") == {"ready"}
    installed.undo(readied)
    assert states(installed, "cp1") == {"drain"}
    installed.events("ready", "cp1")


def test_a_moved_leadership_is_undone(installed: Program) -> None:
    before = leader(installed)
    moved = installed.events("move-leader")
    assert leader(installed) != before
    installed.undo(moved)
    assert leader(installed) == before
