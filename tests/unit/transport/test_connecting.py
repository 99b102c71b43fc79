"""Connecting: causes distinguished, keys and passphrases, ssh_config, jump hosts, many hosts at once."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from haconsole.inventory.schema import Host, Inventory, Ssh
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.deadline import Deadline
from tests.fakes.answers import ScriptedAnswers
from tests.fakes.sshd import Sshd, free_port, inventory_of, make_key, running_sshd
from tests.fakes.waiting import alive, eventually, number_in
from tests.unit.transport.conftest import MakeFleet

CP1, CP2 = HostName("cp1"), HostName("cp2")
DROPPED_PROXY = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""asyncssh may drop the process of a proxy command a moment before the process has ended."""


def one_host(ssh: Ssh, address: str = "127.0.0.1", name: str = "cp1") -> Inventory:
    return Inventory(cluster="test", hosts=(Host(name=name, address=address, roles=(Role.ETCD,), ssh=ssh),))


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A socket that takes connections and never sends anything."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


async def refused(make_fleet: MakeFleet, inventory: Inventory) -> TransportError:
    with pytest.raises(TransportError) as excinfo:
        await make_fleet(inventory).host(CP1).run(("true",))
    return excinfo.value


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


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd, make_fleet: MakeFleet) -> Iterator[None]:
    """An ssh-agent that holds the key that opens sshd, and a stranger's before it."""
    path = tmp_path / "agent"
    make_key(tmp_path / "stranger")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    while not path.exists():
        time.sleep(0.005)
    for key in (tmp_path / "stranger", sshd.user_key):
        subprocess.run(["ssh-add", "-q", key], check=True)
    yield
    process.terminate()
    process.wait(5)


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


def config(tmp_path: Path, text: str) -> str:
    (tmp_path / "config").write_text(text)
    return str(tmp_path / "config")


async def test_ssh_config_completes_the_inventory(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    (tmp_path / "more").write_text(f"IdentityFile {sshd.user_key}\n")
    text = f"""
    Match originalhost seed user {sshd.user}
        Port {sshd.port}
    Host seed
        HostName 127.0.0.1
        UserKnownHostsFile {sshd.known_hosts}
        StrictHostKeyChecking no
        ControlMaster auto
        RemoteCommand false
        RequestTTY force
        Include {tmp_path}/more
    Match all
        User nobody
    """
    ssh = Ssh(user=sshd.user, config=config(tmp_path, text), sudo=sshd.ssh().sudo)
    result = await make_fleet(one_host(ssh, address="seed")).host(CP1).run(("echo", "here"))
    assert result.stdout == "here\n"


@pytest.mark.usefixtures("agent")
async def test_neither_agent_nor_environment_is_passed_on(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "ours")
    text = "ForwardAgent yes\nSendEnv OURS\nSetEnv THEIRS=theirs\n"
    host = make_fleet(one_host(sshd.ssh(config=config(tmp_path, text)))).host(CP1)
    environment = (await host.run(("env",))).stdout
    assert not [name for name in ("SSH_AUTH_SOCK", "OURS", "THEIRS") if name in environment]


async def test_the_inventory_has_the_last_word(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    text = "Host *\n Port 1\n User nobody\n IdentityFile /nowhere\n UserKnownHostsFile /nowhere\n ProxyJump nowhere\n"
    ssh = sshd.ssh(config=config(tmp_path, text), jump="none")
    assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok


async def test_a_broken_ssh_config_is_reported_with_its_line(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=config(tmp_path, "Host *\n Port many\n"))))
    assert "config line 2" in error.what


async def test_through_a_jump_host_of_the_inventory(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "bastion") as bastion:
        inventory = Inventory(
            cluster="test",
            hosts=(
                Host(name="bastion", address="127.0.0.1", roles=(Role.BASTION,), ssh=bastion.ssh()),
                Host(name="cp1", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="bastion")),
                Host(name="cp2", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="bastion")),
            ),
        )
        fleet = make_fleet(inventory)
        result = await asyncio.gather(*(fleet.host(name).run(("printenv", "SSH_CONNECTION")) for name in (CP1, CP2)))
        assert all(each.ok for each in result)
        assert bastion.logins == 1
        bastion.drop_connections()
        assert (await fleet.host(CP1).run(("true",))).ok


async def test_through_jump_hosts_of_ssh_config(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "a") as first, running_sshd(tmp_path / "b") as second:
        known = tmp_path / "known"
        known.write_text("".join(each.known_hosts.read_text() for each in (sshd, first, second)))
        text = f"""
        Host first
            Port {first.port}
        Host first second
            HostName 127.0.0.1
        Host 127.0.0.1
            ProxyJump first,second:{second.port}
        Host *
            IdentityFile {sshd.user_key}
        """
        ssh = sshd.ssh(config=config(tmp_path, text), identity_file=None, known_hosts=str(known))
        assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok
        assert (first.logins, second.logins) == (1, 1)


async def test_an_outside_jump_host_uses_the_login_of_the_host_behind(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    with running_sshd(tmp_path / "bastion") as bastion:
        known = tmp_path / "known"
        known.write_text(sshd.known_hosts.read_text() + bastion.known_hosts.read_text())
        ssh = sshd.ssh(jump=f"127.0.0.1:{bastion.port}", known_hosts=str(known))
        assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok


async def test_a_jump_host_that_is_down_is_the_cause(sshd: Sshd, make_fleet: MakeFleet) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(jump=f"127.0.0.1:{free_port()}")))
    assert error.cause is Cause.JUMP_FAILED
    assert f"could not reach {sshd.user}@127.0.0.1:{sshd.port} through 127.0.0.1" in error.what
    assert "refused" in error.what


async def test_a_host_down_behind_a_jump_host_is_not_the_jump_hosts_fault(sshd: Sshd, make_fleet: MakeFleet) -> None:
    inventory = one_host(sshd.ssh(port=free_port(), jump=f"127.0.0.1:{sshd.port}"))
    assert (await refused(make_fleet, inventory)).cause is Cause.REFUSED


async def test_a_jump_host_that_forwards_nothing_is_reported(make_fleet: MakeFleet, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "bastion", extra="AllowTcpForwarding no") as bastion:
        error = await refused(make_fleet, one_host(bastion.ssh(port=free_port(), jump=f"127.0.0.1:{bastion.port}")))
    assert (error.cause, "AllowTcpForwarding" in error.hint) == (Cause.JUMP_FAILED, True)


async def test_jump_hosts_in_a_circle_are_reported(sshd: Sshd, make_fleet: MakeFleet) -> None:
    inventory = Inventory(
        cluster="test",
        hosts=(
            Host(name="cp1", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="cp2")),
            Host(name="cp2", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="cp1")),
        ),
    )
    error = await refused(make_fleet, inventory)
    assert (error.cause, "circle" in error.what) == (Cause.JUMP_FAILED, True)


PROXY = """
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        far.sendall(data)
    far.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
open(sys.argv[3], "w").write(str(os.getpid()))
while data := far.recv(65536):
    os.write(1, data)
"""


async def test_a_proxy_command_of_ssh_config_is_run_and_ended(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    (tmp_path / "proxy.py").write_text(PROXY)
    text = f"Host *\n ProxyCommand {sys.executable} {tmp_path}/proxy.py %h %p {tmp_path}/pid\n"
    fleet = make_fleet(one_host(sshd.ssh(config=config(tmp_path, text))))
    assert (await fleet.host(CP1).run(("true",))).ok
    pid = number_in(tmp_path / "pid") or 0
    assert alive(pid)
    await fleet.close()
    await eventually(lambda: not alive(pid))


@DROPPED_PROXY
async def test_a_proxy_command_that_fails_is_reported(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=config(tmp_path, "ProxyCommand false\n"))))
    assert error.cause is Cause.CONNECTION_LOST


@DROPPED_PROXY
async def test_a_proxy_command_is_run_by_a_shell(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    mark = tmp_path / "mark"
    command = f"sh -c 'echo \"$0\" >{mark}; exec {sys.executable} {relay} $1 $2' %r %h %p # %n"
    text = f"Host seed\n  HostName 127.0.0.1\n  Port {sshd.port}\n  ProxyCommand {command}\n"
    ssh = sshd.ssh(config=config(tmp_path, text), port=None)
    assert (await make_fleet(one_host(ssh, "seed")).host(CP1).run(("true",))).ok
    assert mark.read_text() == f"{sshd.user}\n"


RELAY = """
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def pump():
    while data := os.read(0, 65536):
        far.sendall(data)
    far.shutdown(socket.SHUT_WR)
threading.Thread(target=pump, daemon=True).start()
while data := far.recv(65536):
    os.write(1, data)
"""


async def test_what_ssh_config_sets_holds_for_the_connection(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    lines = ["Ciphers aes256-ctr", "MACs hmac-sha2-512", "KexAlgorithms curve25519-sha256", "Compression yes"]
    lines += ["ServerAliveInterval 17", "ServerAliveCountMax 4"]
    ssh = sshd.ssh(config=config(tmp_path, "\n".join(lines)))
    host = make_fleet(one_host(ssh)).host(CP1)
    await host.connect()
    connection = await host._link.connection(Deadline(5))
    choice = {name: connection.get_extra_info(f"send_{name}") for name in ("cipher", "mac", "compression")}
    assert choice == {"cipher": "aes256-ctr", "mac": "hmac-sha2-512", "compression": "zlib@openssh.com"}
    alive = (connection._keepalive_interval, connection._keepalive_count_max)
    assert alive == (17, 4)


async def test_the_cipher_that_takes_least_time_is_chosen_unless_ssh_config_names_some(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    choice = []
    for name, text in (("usual", ""), ("own", "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com")):
        (tmp_path / name).mkdir()
        host = make_fleet(one_host(sshd.ssh(config=config(tmp_path / name, text)))).host(CP1)
        await host.connect()
        connection = await host._link.connection(Deadline(5))
        choice.append(connection.get_extra_info("send_cipher"))
    assert choice == ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]


async def test_ciphers_that_are_not_known_here_are_reported(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haconsole.transport.ssh.connect_options.get_encryption_algs", lambda: [b"aes128-ctr"])
    error = await refused(make_fleet, one_host(sshd.ssh(config=config(tmp_path, "Ciphers aes256-ctr\n"))))
    assert "Ciphers of ssh_config allows only aes256-ctr, none of which is supported here" in error.what


async def test_options_with_no_equal_here_are_named_where_connecting_fails(
    make_fleet: MakeFleet, sshd: Sshd, tmp_path: Path
) -> None:
    text = "KnownHostsCommand /bin/true %H\nBindInterface lo\nUserKnownHostsFile none\nGlobalKnownHostsFile none\n"
    error = await refused(make_fleet, one_host(sshd.ssh(config=config(tmp_path, text), known_hosts=None)))
    assert error.cause is Cause.HOST_KEY_UNKNOWN
    assert "haconsole ignores these ssh_config options for this host: BindInterface, KnownHostsCommand" in error.hint


async def test_a_limit_of_ssh_config_holds_for_connecting(
    make_fleet: MakeFleet, silent: socket.socket, sshd: Sshd, tmp_path: Path
) -> None:
    ssh = sshd.ssh(port=silent.getsockname()[1], config=config(tmp_path, "ConnectTimeout 1\n"), connect_timeout_s=None)
    began = time.monotonic()
    assert (await refused(make_fleet, one_host(ssh))).cause is Cause.TIMED_OUT
    assert time.monotonic() - began < 5


async def test_keys_that_ssh_config_forbids_are_not_offered(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=config(tmp_path, "PubkeyAuthentication no\n"))))
    assert (error.cause, "PubkeyAuthentication no" in error.what) == (Cause.AUTH_FAILED, True)


async def test_an_identity_of_ssh_config_that_is_not_there_is_passed_over(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    text = f"IdentitiesOnly yes\nIdentityFile /no/such/key\nIdentityFile {sshd.user_key}\n"
    ssh = sshd.ssh(config=config(tmp_path, text), identity_file=None)
    assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok


async def test_a_configuration_that_ssh_refuses_is_reported(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=config(tmp_path, "Port 22\nProt 2222\n"))))
    assert error.what.endswith(
        f"ssh refuses its configuration: {tmp_path}/config: line 2: Bad configuration option: prot"
    )
