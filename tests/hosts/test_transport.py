"""The transport on hosts with their own systemd, sshd and sudo: logins that are not root, bastions, cables cut."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from haconsole.inventory.effective import ssh_for
from haconsole.inventory.load import load
from haconsole.inventory.schema import Inventory, Ssh, Sudo
from haconsole.lab.lab import Lab
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.answers import Answers, NoAnswers
from haconsole.transport.base import TransportError
from haconsole.transport.ssh import SshFleet, Tuning
from haconsole.transport.ssh.host import SshHost
from tests.fakes.answers import ScriptedAnswers
from tests.hosts.conftest import LabMaker

CP1 = HostName("cp1")
MakeFleet = Callable[..., SshFleet]


@pytest_asyncio.fixture
async def make_fleet() -> AsyncIterator[MakeFleet]:
    fleets: list[SshFleet] = []

    def make(inventory: Inventory, answers: Answers | None = None, **tuning: Any) -> SshFleet:
        fleets.append(SshFleet(inventory, answers or NoAnswers(), tuning=Tuning(**tuning)))
        return fleets[-1]

    yield make
    for fleet in fleets:
        await fleet.close()


@pytest.fixture
def inventory(shared_lab: Lab) -> Inventory:
    return load(shared_lab.inventory_path)


@pytest.fixture
def host(inventory: Inventory, make_fleet: MakeFleet) -> SshHost:
    return make_fleet(inventory).host(CP1)


@pytest.fixture
def password(shared_lab: Lab) -> str:
    return (shared_lab.folder / "opspw.password").read_text().strip()


def by_password(inventory: Inventory, sudo: Sudo = Sudo.PASSWORD) -> Inventory:
    ssh = msgspec.structs.replace(inventory.ssh, user="opspw", sudo=sudo)
    return msgspec.structs.replace(inventory, ssh=ssh)


async def wait_for_end(host: SshHost, pid: str) -> None:
    async with asyncio.timeout(10):
        while (await host.run(("ls", "-d", f"/proc/{pid}"))).ok:
            await asyncio.sleep(0.05)


async def test_commands_run_as_the_login_or_as_root(host: SshHost) -> None:
    assert (await host.run(("id", "-un"))).stdout == "ops\n"
    assert (await host.run(("sh", "-c", "id -un; cat"), stdin=b"in", root=True)).stdout == "root\nin"


async def test_the_output_of_a_command_of_root_is_unchanged(host: SshHost) -> None:
    result = await host.run(("sh", "-c", "echo out; echo err >&2; exit 7"), root=True)
    assert (result.stdout, result.stderr, result.exit_status) == ("out\n", "err\n", 7)


async def test_files_of_root_are_written_and_read(host: SshHost) -> None:
    path = "/root/made by haconsole/it's"
    await host.write_file(path, b"\x00secret", mode=0o600, owner="root:root")
    assert await host.read_file(path) == b"\x00secret"
    assert (await host.run(("stat", "-c", "%a %U:%G", path), root=True)).stdout == "600 root:root\n"
    with pytest.raises(TransportError, match="Permission denied") as excinfo:
        await host.read_file(path, root=False)
    assert excinfo.value.cause is Cause.UNREADABLE
    await host.run(("rm", "-r", "/root/made by haconsole"), root=True)


@pytest.mark.parametrize("root", [False, True])
async def test_a_command_that_ignores_the_end_is_killed_at_its_deadline(host: SshHost, root: bool) -> None:
    script = "trap '' TERM HUP INT; echo $$; while :; do sleep 0.1; done"
    result = await host.run(("sh", "-c", script), root=root, deadline_s=1)
    assert (result.exit_status, result.cut) == (None, Cause.TIMED_OUT)
    await wait_for_end(host, result.stdout.strip())


@pytest.mark.parametrize("root", [False, True])
async def test_giving_up_ends_the_command(host: SshHost, root: bool) -> None:
    marker = f"61.{int(root)}"
    task = asyncio.create_task(host.run(("sh", "-c", f"sleep {marker}; :"), root=root, deadline_s=60))
    search = ("pgrep", "-x", "-f", f"sleep {marker}")
    async with asyncio.timeout(10):
        while not (result := (await host.run(search)).stdout.split()):
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await wait_for_end(host, result[0])


@pytest.mark.parametrize("root", [False, True])
async def test_leaving_a_stream_ends_it(host: SshHost, root: bool) -> None:
    async with host.lines(("sh", "-c", "echo $$; sleep 60; :"), root=root) as lines:
        pid = await anext(lines)
    await wait_for_end(host, pid)


@pytest.mark.parametrize("root", [False, True])
async def test_a_stream_that_ends_leaves_nothing(host: SshHost, root: bool) -> None:
    mark = f"ended-by-itself-{root}"
    async with host.lines(("sh", "-c", "echo over; exit 0", mark), root=root) as lines:
        assert [line async for line in lines] == ["over"]
        async with asyncio.timeout(5):
            while (await host.run(("pgrep", "-f", f"[e]nded-by-itself-{root}"))).ok:
                await asyncio.sleep(0.05)


async def seconds_to_line(lines: AsyncIterator[str], word: str, make: Callable[[], Awaitable[object]]) -> float:
    """Seconds from an event to the line about it; the event is repeated until the far side listens."""
    clock = asyncio.get_running_loop().time
    for _ in range(20):
        began = clock()
        await make()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while word not in await anext(lines):
                    pass
                return clock() - began
    raise AssertionError(f"never heard of {word}")


async def test_an_address_change_is_heard_at_once(host: SshHost) -> None:
    change = "ip address add 10.255.255.1/32 dev lo; ip address del 10.255.255.1/32 dev lo"
    async with host.lines(("ip", "-o", "monitor", "address")) as lines:
        assert await seconds_to_line(lines, "10.255.255.1", lambda: host.run(("sh", "-c", change), root=True)) < 0.5


async def test_the_journal_is_followed(host: SshHost) -> None:
    async with host.lines(("journalctl", "-f", "-n", "0", "-t", "haconsole-test", "-o", "cat"), root=True) as lines:
        await seconds_to_line(lines, "a word", lambda: host.run(("logger", "-t", "haconsole-test", "a word")))


async def test_thirty_commands_and_streams_fit_into_the_default_limits(host: SshHost) -> None:
    async with asyncio.timeout(30), host.lines(("sleep", "60"), root=True), host.lines(("sleep", "60")):
        result = await asyncio.gather(*(host.run(("true",), root=bool(number % 2)) for number in range(30)))
    assert all(each.ok for each in result)


async def test_sudo_that_wants_a_password_is_reported_as_such(inventory: Inventory, make_fleet: MakeFleet) -> None:
    host = make_fleet(by_password(inventory, Sudo.PASSWORDLESS)).host(CP1)
    with pytest.raises(TransportError, match="a password is required") as excinfo:
        await host.run(("true",), root=True)
    assert (excinfo.value.cause, "ssh.sudo: password" in excinfo.value.hint) == (Cause.SUDO_REFUSED, True)
    with pytest.raises(TransportError) as excinfo:
        async with host.lines(("true",), root=True) as lines:
            await anext(lines)
    assert excinfo.value.cause is Cause.SUDO_REFUSED
    assert (await host.run(("true",))).ok


async def test_no_password_is_a_refusal(inventory: Inventory, make_fleet: MakeFleet) -> None:
    with pytest.raises(TransportError, match="none was given") as excinfo:
        await make_fleet(by_password(inventory)).host(CP1).run(("true",), root=True)
    assert excinfo.value.cause is Cause.SUDO_REFUSED


async def test_a_password_is_prompted_for_once_a_host_and_never_shown(
    inventory: Inventory, make_fleet: MakeFleet, password: str
) -> None:
    answers = ScriptedAnswers(passwords=[password] * 2)
    fleet = make_fleet(by_password(inventory), answers)
    host = fleet.host(CP1)
    result = await asyncio.gather(
        *(host.run(("sh", "-c", "cat; ps -eww -o args"), stdin=b"payload\n", root=True) for _ in range(6))
    )
    assert answers.requests == [("sudo", "cp1")]
    assert all(each.stdout.startswith("payload\n") and password not in each.stdout for each in result)
    assert (await fleet.host(HostName("cp2")).run(("id", "-un"), root=True)).stdout == "root\n"
    log = await host.run(("journalctl", "--no-pager", "-q"), root=True)
    assert (log.ok, password in log.stdout) == (True, False)


async def test_streams_and_files_go_by_password_too(inventory: Inventory, make_fleet: MakeFleet, password: str) -> None:
    host = make_fleet(by_password(inventory), ScriptedAnswers(passwords=[password])).host(CP1)
    async with host.lines(("sh", "-s"), stdin=b"id -un; cat; echo $LC_ALL", root=True) as lines:
        assert [line async for line in lines] == ["root", "C.UTF-8"]
    async with host.lines(("sh", "-c", "echo $$; sleep 60; :"), root=True) as lines:
        pid = await anext(lines)
    await wait_for_end(host, pid)
    await host.write_file("/root/by-password", b"x" * 300_000)
    assert await host.read_file("/root/by-password") == b"x" * 300_000
    await host.run(("rm", "/root/by-password"), root=True)


async def test_a_wrong_password_is_prompted_for_again(
    inventory: Inventory, make_fleet: MakeFleet, password: str
) -> None:
    answers = ScriptedAnswers(passwords=["wrong", password])
    host = make_fleet(by_password(inventory), answers).host(CP1)
    result = await asyncio.gather(*(host.run(("cat",), stdin=b"in", root=True, deadline_s=30) for _ in range(3)))
    assert [each.stdout for each in result] == ["in"] * 3
    assert len(answers.requests) == 2


async def test_a_password_that_sudo_does_not_need_does_not_reach_the_command(
    inventory: Inventory, make_fleet: MakeFleet
) -> None:
    ssh = msgspec.structs.replace(inventory.ssh, sudo=Sudo.PASSWORD)
    answers = ScriptedAnswers(passwords=["not-needed"])
    host = make_fleet(msgspec.structs.replace(inventory, ssh=ssh), answers).host(CP1)
    assert (await host.run(("cat",), stdin=b"in", root=True)).stdout == "in"


async def test_a_login_that_may_not_sudo_is_refused(inventory: Inventory, make_fleet: MakeFleet) -> None:
    root = make_fleet(inventory).host(CP1)
    setup = "useradd -m -s /bin/bash guest && install -d -o guest -m 700 ~guest/.ssh && cp ~ops/.ssh/authorized_keys"
    await root.run(("sh", "-c", f"{setup} ~guest/.ssh/ && chown guest ~guest/.ssh/authorized_keys"), root=True)
    await root.run(("sh", "-c", "echo guest:right | chpasswd"), root=True)
    try:
        ssh = msgspec.structs.replace(inventory.ssh, user="guest", sudo=Sudo.PASSWORD)
        answers = ScriptedAnswers(passwords=["right"])
        guest = make_fleet(msgspec.structs.replace(inventory, ssh=ssh), answers).host(CP1)
        with pytest.raises(TransportError, match="not in the sudoers file") as excinfo:
            await guest.run(("true",), root=True, deadline_s=30)
        assert excinfo.value.cause is Cause.SUDO_REFUSED
    finally:
        await root.run(("userdel", "-f", "-r", "guest"), root=True)


async def test_a_host_whose_cable_is_cut_is_found_dead_and_found_again(
    make_lab: LabMaker, make_fleet: MakeFleet
) -> None:
    lab = make_lab(hosts=1, kubernetes=False)
    host = make_fleet(load(lab.inventory_path), keepalive_s=0.5, keepalive_misses=1).host(CP1)
    async with host.lines(("sh", "-c", "echo up; sleep 600; :")) as lines:
        assert await anext(lines) == "up"
        await asyncio.to_thread(lab.cut, "cp1")
        async with asyncio.timeout(5):
            with pytest.raises(TransportError) as excinfo:
                await anext(lines)
    assert excinfo.value.cause is Cause.CONNECTION_LOST
    with pytest.raises(TransportError) as excinfo:
        await host.run(("true",), deadline_s=1)
    assert excinfo.value.cause in (Cause.TIMED_OUT, Cause.NO_ROUTE)
    await asyncio.to_thread(lab.reconnect)
    assert (await host.run(("true",), deadline_s=20)).ok


async def test_hosts_are_reached_only_through_the_bastion(make_lab: LabMaker, make_fleet: MakeFleet) -> None:
    lab = make_lab(hosts=2, bastion=True, kubernetes=False)
    fleet = make_fleet(load(lab.inventory_path))
    result = await asyncio.gather(
        *(fleet.host(HostName(name)).run(("hostname",)) for name in ("cp1", "cp2", "bastion"))
    )
    assert [each.stdout.strip() for each in result] == ["cp1", "cp2", "bastion"]
    await asyncio.to_thread(lab.crash, "cp2")
    with pytest.raises(TransportError) as excinfo:
        await make_fleet(load(lab.inventory_path)).host(HostName("cp2")).run(("true",), deadline_s=2)
    assert excinfo.value.cause in (Cause.TIMED_OUT, Cause.NO_ROUTE, Cause.REFUSED)
    assert (await fleet.host(CP1).run(("true",))).ok


CONFIG = """
Host *.blue
  HostName {address}
  HostKeyAlias {address}
Host gate
  HostName {bastion}
  User ops
  IdentityFile "{key}"
  IdentitiesOnly yes
Match final host * originalhost *.blue
  User ops
  IdentityFile "{key}"
  IdentitiesOnly yes # ours
Match originalhost *.blue exec "test %n = one.blue"
  ProxyJump gate
Host *
  UserKnownHostsFile "{known}"
  StrictHostKeyChecking yes
"""


async def test_a_host_is_reached_as_ssh_config_has_it(
    make_lab: LabMaker, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    lab = make_lab(hosts=1, bastion=True, kubernetes=False)
    inventory = load(lab.inventory_path)
    host, gate = inventory.find("cp1"), inventory.find("bastion")
    assert host
    assert gate
    ssh, config = ssh_for(inventory, host), tmp_path / "config"
    addresses = {"address": host.address, "bastion": ssh_for(inventory, gate).address}
    config.write_text(CONFIG.format(**addresses, key=ssh.identity_file, known=ssh.known_hosts))
    one = msgspec.structs.replace(host, ssh_address="one.blue", ssh=Ssh())
    through = Inventory(cluster="blue", hosts=(one,), ssh=Ssh(config=str(config)))
    argv = ("ssh", "-F", str(config), "-o", "BatchMode=yes", "one.blue", "id -un; echo $SSH_CONNECTION")
    expected = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=30)
    assert expected.returncode == 0, expected.stderr
    result = await make_fleet(through).host(CP1).run(("sh", "-c", "id -un; echo $SSH_CONNECTION"))
    assert _without_port(result.stdout) == _without_port(expected.stdout)


def _without_port(text: str) -> list[str]:
    """The login, and the connection without the client's port, which is another each time."""
    words = text.split()
    return [*words[:2], *words[3:]]
