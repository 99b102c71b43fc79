"""Connecting: causes distinguished, keys, passphrases and the agent, many hosts at once."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from pathlib import Path

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from tests.fakes.answers import ScriptedAnswers
from tests.fakes.sshd import CP1, CP2, Sshd, free_port, inventory_of, make_key, one_host, running_sshd
from tests.unit.transport.conftest import MakeFleet, refused


async def test_connecting_is_timed_and_done_once(sshd: Sshd, make_fleet: MakeFleet) -> None:
    host = make_fleet(inventory_of({"cp1": sshd})).host(CP1)
    before = sshd.logins
    reach = await host.connect()
    assert 0 < reach.connect_ms < 5000
    assert await host.connect() == reach
    await asyncio.gather(*(host.run(("true",)) for _ in range(5)))
    assert sshd.logins == before + 1


async def test_three_hosts_at_once(sshd: Sshd, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(inventory_of({"cp1": sshd, "cp2": sshd, "cp3": sshd}))
    reached = await asyncio.gather(*(fleet.host(HostName(name)).connect() for name in ("cp1", "cp2", "cp3")))
    assert len(reached) == 3


async def test_a_closed_port_refuses(sshd: Sshd, make_fleet: MakeFleet) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(port=free_port())))
    assert (error.cause, "refused" in error.what, "sshd runs" in error.hint) == (Cause.REFUSED, True, True)


async def test_a_silent_port_times_out(sshd: Sshd, make_fleet: MakeFleet, silent: socket.socket) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(port=silent.getsockname()[1], connect_timeout_s=0.2)))
    assert error.cause is Cause.TIMED_OUT


async def test_the_deadline_bounds_connecting_too(sshd: Sshd, make_fleet: MakeFleet, silent: socket.socket) -> None:
    host = make_fleet(one_host(sshd.ssh(port=silent.getsockname()[1]))).host(CP1)
    async with asyncio.timeout(4):
        with pytest.raises(TransportError) as excinfo:
            await host.run(("true",), deadline_s=0.2)
    assert excinfo.value.cause is Cause.TIMED_OUT


async def test_an_unknown_name_is_reported(sshd: Sshd, make_fleet: MakeFleet) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(), address="no-such-host.invalid"))
    assert error.cause is Cause.NAME_NOT_FOUND


async def test_an_unroutable_address_is_reported(sshd: Sshd, make_fleet: MakeFleet) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(), address="ff02::1:1"))
    assert error.cause in (Cause.NO_ROUTE, Cause.OTHER)


async def test_a_foreign_key_is_refused_with_what_was_tried(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    error = await refused(make_fleet, one_host(sshd.ssh(identity_file=str(tmp_path / "stranger"))))
    assert error.cause is Cause.AUTH_FAILED
    assert f"{sshd.user}@127.0.0.1:{sshd.port}" in error.what
    assert str(tmp_path / "stranger") in error.what


async def test_a_missing_key_file_is_named(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(identity_file=str(tmp_path / "none"))))
    assert (error.cause, "No such file" in error.what) == (Cause.KEY_UNUSABLE, True)


async def test_callers_that_wait_together_share_one_failure(
    sshd: Sshd, make_fleet: MakeFleet, silent: socket.socket
) -> None:
    host = make_fleet(one_host(sshd.ssh(port=silent.getsockname()[1], connect_timeout_s=0.3))).host(CP1)
    errors = await asyncio.gather(*(host.run(("true",)) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(error, TransportError) for error in errors)
    silent.setblocking(False)
    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()


@pytest.fixture
def encrypted(tmp_path: Path, sshd: Sshd) -> Path:
    """The key that opens sshd, behind the passphrase `open`."""
    path = tmp_path / "locked"
    path.write_bytes(sshd.user_key.read_bytes())
    path.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "opens", "-Z", "aes256-ctr", "-a", "1", "-f", path], check=True)
    return path


async def test_a_passphrase_is_prompted_for_once_for_all_hosts(
    sshd: Sshd, make_fleet: MakeFleet, encrypted: Path
) -> None:
    answers = ScriptedAnswers(passphrases=["wrong", "opens"])
    fleet = make_fleet(inventory_of({"cp1": sshd, "cp2": sshd}, identity_file=str(encrypted)), answers)
    result = await asyncio.gather(*(fleet.host(name).run(("true",)) for name in (CP1, CP2)))
    assert all(each.ok for each in result)
    assert answers.requests == [("passphrase", str(encrypted))] * 2


async def test_no_passphrase_is_reported(sshd: Sshd, make_fleet: MakeFleet, encrypted: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(identity_file=str(encrypted))))
    assert (error.cause, "passphrase missing" in error.what) == (Cause.AUTH_FAILED, True)


async def test_wrong_passphrases_end_after_three(sshd: Sshd, make_fleet: MakeFleet, encrypted: Path) -> None:
    answers = ScriptedAnswers(passphrases=["a", "b", "c", "opens"])
    with pytest.raises(TransportError, match="no passphrase opened") as excinfo:
        await make_fleet(one_host(sshd.ssh(identity_file=str(encrypted))), answers).host(CP1).connect()
    assert excinfo.value.cause is Cause.AUTH_FAILED


@pytest.mark.usefixtures("agent")
async def test_the_agent_opens_what_no_file_does(sshd: Sshd, make_fleet: MakeFleet) -> None:
    assert (await make_fleet(one_host(sshd.ssh(identity_file=None))).host(CP1).run(("true",))).ok


@pytest.mark.usefixtures("agent")
async def test_a_locked_key_needs_no_passphrase_while_the_agent_has_it(
    sshd: Sshd, make_fleet: MakeFleet, encrypted: Path
) -> None:
    answers = ScriptedAnswers()
    assert (await make_fleet(one_host(sshd.ssh(identity_file=str(encrypted))), answers).host(CP1).run(("true",))).ok
    assert answers.requests == []


@pytest.mark.usefixtures("agent")
async def test_a_named_key_keeps_the_agent_from_offering_others(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(identity_file=str(tmp_path / "stranger"))))
    assert error.cause is Cause.AUTH_FAILED


async def test_a_certificate_beside_the_key_is_offered(make_fleet: MakeFleet, tmp_path: Path) -> None:
    make_key(tmp_path / "ca")
    make_key(tmp_path / "user")
    with running_sshd(tmp_path / "sshd", extra=f"TrustedUserCAKeys {tmp_path}/ca.pub") as server:
        sign = [
            "ssh-keygen",
            "-q",
            "-s",
            str(tmp_path / "ca"),
            "-I",
            "x",
            "-n",
            server.user,
            str(tmp_path / "user.pub"),
        ]
        subprocess.run(sign, check=True, capture_output=True)
        host = make_fleet(one_host(server.ssh(identity_file=str(tmp_path / "user")))).host(CP1)
        assert (await host.run(("true",))).ok
