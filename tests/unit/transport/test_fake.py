"""The fake answers as the real one does, as far as its users may rely on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import Fleet, TransportError
from tests.fakes.sshd import Sshd, inventory_of
from tests.fakes.transport import Call, FakeFleet, completed
from tests.unit.transport.conftest import MakeFleet

CP1 = HostName("cp1")


async def told_by(fleet: Fleet, path: str) -> tuple[object, ...]:
    """Results of the protocol's methods, the same for the fake and the real host."""
    host = fleet.host(CP1)
    missing = await host.read_file(path)
    await host.write_file(path, b"data", owner="0:0")
    result = await host.run(("printf", "a\\nb"))
    async with host.lines(("printf", "a\\nb")) as lines:
        each = [line async for line in lines]
    return missing, await host.read_file(path), result, each, host.host


async def test_fake_and_real_host_return_the_same(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    fake = FakeFleet()
    fake.host(CP1).when("printf", say="a\nb")
    fake.host(CP1).when_followed("printf", "a\\nb", lines=("a", "b"))
    path = f"{tmp_path}/file"
    assert await told_by(fake, path) == await told_by(make_fleet(inventory_of({"cp1": sshd})), path)


async def test_answers_are_given_in_turn_and_calls_recorded() -> None:
    host = FakeFleet().host(CP1)
    host.when("etcdctl", say=completed(status=1, stderr="down"))
    host.when("etcdctl", say="up")
    answers = [await host.run(("etcdctl", "health"), root=True, deadline_s=5) for _ in range(3)]
    assert [answer.stdout for answer in answers] == ["", "up", "up"]
    assert host.calls == [Call(("etcdctl", "health"), b"", True, 5)] * 3
    with pytest.raises(AssertionError, match="no answer"):
        await host.run(("other",))


async def test_a_host_made_to_fail_fails_everywhere() -> None:
    host = FakeFleet().host(CP1)
    host.cut(Cause.REFUSED)
    with pytest.raises(TransportError) as excinfo:
        await host.connect()
    assert excinfo.value.cause is Cause.REFUSED
