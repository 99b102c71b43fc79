"""Settings of ssh_config: proxies, ciphers, keys, limits, and errors in the file."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from haconsole.inventory.schema import Ssh
from haconsole.model.observed import Cause
from haconsole.transport.ssh.deadline import Deadline
from tests.fakes.sshd import CP1, Sshd, one_host, ssh_config_file
from tests.fakes.waiting import alive, eventually, number_in
from tests.unit.transport.conftest import MakeFleet, refused

DROPPED_PROXY = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""asyncssh may drop the process of a proxy command a moment before the process has ended."""


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
    ssh = Ssh(user=sshd.user, config=ssh_config_file(tmp_path, text), sudo=sshd.ssh().sudo)
    result = await make_fleet(one_host(ssh, address="seed")).host(CP1).run(("echo", "here"))
    assert result.stdout == "here\n"


@pytest.mark.usefixtures("agent")
async def test_neither_agent_nor_environment_is_passed_on(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "ours")
    text = "ForwardAgent yes\nSendEnv OURS\nSetEnv THEIRS=theirs\n"
    host = make_fleet(one_host(sshd.ssh(config=ssh_config_file(tmp_path, text)))).host(CP1)
    environment = (await host.run(("env",))).stdout
    assert not [name for name in ("SSH_AUTH_SOCK", "OURS", "THEIRS") if name in environment]


async def test_the_inventory_has_the_last_word(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    text = "Host *\n Port 1\n User nobody\n IdentityFile /nowhere\n UserKnownHostsFile /nowhere\n ProxyJump nowhere\n"
    ssh = sshd.ssh(config=ssh_config_file(tmp_path, text), jump="none")
    assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok


async def test_a_broken_ssh_config_is_reported_with_its_line(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=ssh_config_file(tmp_path, "Host *\n Port many\n"))))
    assert "config line 2" in error.what


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
    fleet = make_fleet(one_host(sshd.ssh(config=ssh_config_file(tmp_path, text))))
    assert (await fleet.host(CP1).run(("true",))).ok
    pid = number_in(tmp_path / "pid") or 0
    assert alive(pid)
    await fleet.close()
    await eventually(lambda: not alive(pid))


@DROPPED_PROXY
async def test_a_proxy_command_that_fails_is_reported(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=ssh_config_file(tmp_path, "ProxyCommand false\n"))))
    assert error.cause is Cause.CONNECTION_LOST


@DROPPED_PROXY
async def test_a_proxy_command_is_run_by_a_shell(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    mark = tmp_path / "mark"
    command = f"sh -c 'echo \"$0\" >{mark}; exec {sys.executable} {relay} $1 $2' %r %h %p # %n"
    text = f"Host seed\n  HostName 127.0.0.1\n  Port {sshd.port}\n  ProxyCommand {command}\n"
    ssh = sshd.ssh(config=ssh_config_file(tmp_path, text), port=None)
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
    ssh = sshd.ssh(config=ssh_config_file(tmp_path, "\n".join(lines)))
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
        host = make_fleet(one_host(sshd.ssh(config=ssh_config_file(tmp_path / name, text)))).host(CP1)
        await host.connect()
        connection = await host._link.connection(Deadline(5))
        choice.append(connection.get_extra_info("send_cipher"))
    assert choice == ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]


async def test_ciphers_that_are_not_known_here_are_reported(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haconsole.transport.ssh.connect_options.get_encryption_algs", lambda: [b"aes128-ctr"])
    error = await refused(make_fleet, one_host(sshd.ssh(config=ssh_config_file(tmp_path, "Ciphers aes256-ctr\n"))))
    assert "Ciphers of ssh_config allows only aes256-ctr, none of which is supported here" in error.what


async def test_options_with_no_equal_here_are_named_where_connecting_fails(
    make_fleet: MakeFleet, sshd: Sshd, tmp_path: Path
) -> None:
    text = "KnownHostsCommand /bin/true %H\nBindInterface lo\nUserKnownHostsFile none\nGlobalKnownHostsFile none\n"
    error = await refused(make_fleet, one_host(sshd.ssh(config=ssh_config_file(tmp_path, text), known_hosts=None)))
    assert error.cause is Cause.HOST_KEY_UNKNOWN
    assert "haconsole ignores these ssh_config options for this host: BindInterface, KnownHostsCommand" in error.hint


async def test_a_limit_of_ssh_config_holds_for_connecting(
    make_fleet: MakeFleet, silent: socket.socket, sshd: Sshd, tmp_path: Path
) -> None:
    ssh = sshd.ssh(
        port=silent.getsockname()[1], config=ssh_config_file(tmp_path, "ConnectTimeout 1\n"), connect_timeout_s=None
    )
    began = time.monotonic()
    assert (await refused(make_fleet, one_host(ssh))).cause is Cause.TIMED_OUT
    assert time.monotonic() - began < 5


async def test_keys_that_ssh_config_forbids_are_not_offered(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=ssh_config_file(tmp_path, "PubkeyAuthentication no\n"))))
    assert (error.cause, "PubkeyAuthentication no" in error.what) == (Cause.AUTH_FAILED, True)


async def test_an_identity_of_ssh_config_that_is_not_there_is_passed_over(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    text = f"IdentitiesOnly yes\nIdentityFile /no/such/key\nIdentityFile {sshd.user_key}\n"
    ssh = sshd.ssh(config=ssh_config_file(tmp_path, text), identity_file=None)
    assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok


async def test_a_configuration_that_ssh_refuses_is_reported(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(config=ssh_config_file(tmp_path, "Port 22\nProt 2222\n"))))
    assert error.what.endswith(
        f"ssh refuses its configuration: {tmp_path}/config: line 2: Bad configuration option: prot"
    )
