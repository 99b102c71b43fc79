"""`doctor --json` prints the first status by which anything is known, or else the complete one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace

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
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda *arguments: session)
    assert haconsole(["doctor", "lab.yaml", "--json"]) == code
    (line,) = capsys.readouterr().out.splitlines()
    assert len(json.loads(line)["pending"]) == pending


class Slow(Moments):
    """The complete list takes longer than the first one."""

    async def examine(self) -> AsyncGenerator[ClusterStatus, None]:
        for number, snapshot in enumerate(self.snapshots):
            await asyncio.sleep(0.6 * number)
            yield self.status_of(snapshot)


@pytest.mark.parametrize(
    ("first", "then", "middle", "end"),
    [
        (healthy(), healthy(), "More checks are running. The complete list follows.", "The list is complete."),
        (replace(degraded(), pending=PENDING), degraded(), "Pending: cp1 (services).", "The list is complete."),
        (healthy(), degraded(), "More checks are running.", "The complete list:\n\n"),
    ],
)
def test_the_complete_list_is_printed_only_where_it_is_another_one(
    first: ClusterSnapshot,
    then: ClusterSnapshot,
    middle: str,
    end: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Slow()
    session.snapshots = (first, then)
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda *arguments: session)
    haconsole(["doctor", "lab.yaml"])
    output = capsys.readouterr().out
    assert output.index(middle) < output.index(end)
    assert output.count("healthy, no findings") == (1 if first == healthy() else 0)


def test_a_list_that_is_complete_at_once_is_printed_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Moments()
    session.snapshots = (healthy(), healthy())
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda *arguments: session)
    haconsole(["doctor", "lab.yaml"])
    assert capsys.readouterr().out == "lab: healthy, no findings\n"


def test_an_output_that_closes_after_the_first_list_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(text: str) -> None:
        raise BrokenPipeError

    session = Slow()
    session.snapshots = (healthy(), degraded())
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda *arguments: session)
    monkeypatch.setattr("haconsole.cli.status.show", closed)
    with pytest.raises(BrokenPipeError):
        haconsole(["doctor", "lab.yaml"])
