"""`doctor --json` prints the first status by which anything is known, or else the complete one."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode
from haconsole.model.hosts import HostFacts
from haconsole.model.snapshot import ClusterSnapshot, PendingFact
from haconsole.model.status import ClusterStatus
from tests.fakes.cluster import healthy
from tests.fakes.session import FakeSession, degraded

PENDING = (PendingFact(healthy().hosts[0].host, "services"),)


def unqueried() -> ClusterSnapshot:
    hosts = tuple(HostFacts(facts.host, facts.address, facts.roles) for facts in healthy().hosts)
    return replace(healthy(), hosts=hosts, pending=PENDING)


class Moments(FakeSession):
    snapshots: tuple[ClusterSnapshot, ...] = ()

    async def __aenter__(self) -> Moments:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def examine(self) -> AsyncGenerator[ClusterStatus, None]:
        for snapshot in self.snapshots:
            yield self.status_of(snapshot)


@pytest.mark.parametrize(
    ("first", "code", "pending"),
    [
        (unqueried(), ExitCode.OK, 0),
        (replace(degraded(), pending=PENDING), ExitCode.DEGRADED, 1),
    ],
)
def test_the_first_status_with_any_fact(
    first: ClusterSnapshot,
    code: ExitCode,
    pending: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Moments()
    session.snapshots = (first, healthy())
    monkeypatch.setattr("haconsole.session.live.open_session", lambda *arguments: session)
    assert haconsole(["doctor", "lab.yaml", "--json"]) == code
    (line,) = capsys.readouterr().out.splitlines()
    assert len(json.loads(line)["pending"]) == pending
