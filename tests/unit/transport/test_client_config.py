"""ssh_config means what it means to ssh: its own client reads the files, and a real connection is the measure.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many configurations are generated, and which.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from haconsole.inventory.effective import Jump, OutsideHost
from haconsole.model.names import HostName
from haconsole.transport.ssh.client_config import ClientConfig, ClientConfigError, Query
from haconsole.transport.ssh.client_settings import StrictHostKeys, read_settings
from haconsole.transport.ssh.route import Destination, Route, resolve
from haconsole.transport.ssh.tokens import TokenError, home
from tests.fakes.waiting import eventually
from tests.unit.transport.ssh_configs import HOSTS, ConfigMaker, Effect, effect_in_ssh

GENERATED = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "40"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))


def destination(config: Path, host: str = "a.example") -> Destination:
    return Destination(HostName("a"), host, config=config)


async def route_of(folder: Path, text: str, host: str = "a.example") -> Route:
    (folder / "config").write_text(text)
    return await resolve(destination(folder / "config", host), ClientConfig())


class _Greeting(socketserver.StreamRequestHandler):
    """The first line of a server; ssh then looks for the host key, and gets nothing more."""

    def handle(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.rfile.readline()


@contextmanager
def greeting() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def jump_text(jump: Jump) -> str:
    assert isinstance(jump, OutsideHost)
    host = f"[{jump.host}]" if ":" in jump.host else jump.host
    return f"{jump.user or ''}@{host}:{jump.port or ''}"


def effect_here(route: Route) -> Effect:
    if route.jumps:
        return Effect(
            identities=tuple(map(str, dict.fromkeys(route.identities))),
            certificates=tuple(map(str, dict.fromkeys(route.certificates))),
            jump=",".join(map(jump_text, route.jumps)),
            to=f"[{route.address}]:{route.port}",
        )
    if route.proxy_command:
        return Effect(
            identities=tuple(map(str, dict.fromkeys(route.identities))),
            certificates=tuple(map(str, dict.fromkeys(route.certificates))),
            proxy=route.proxy_command[2],
        )
    return Effect(
        user=route.user,
        address=route.address,
        port=route.port,
        identities=tuple(map(str, dict.fromkeys(route.identities))),
        certificates=tuple(map(str, dict.fromkeys(route.certificates))),
        known_hosts=tuple(map(str, dict.fromkeys(route.known_hosts))),
        alias=route.settings.host_key_alias or "",
    )


async def test_generated_configurations_are_read_as_ssh_reads_them(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    refused = 0
    with ExitStack() as stack:
        ports = tuple(stack.enter_context(greeting()) for _ in range(3))
        maker = ConfigMaker(tmp_path, ports, chance)
        for number in range(GENERATED):
            path, host = maker.config(number), chance.choice(HOSTS)
            expected = await asyncio.to_thread(effect_in_ssh, path, host)
            result = await effect_of(path, host)
            assert result == expected or (result.refusal and expected.refusal), f"{host}:\n{path.read_text('latin-1')}"
            refused += bool(expected.refusal)
    assert refused < GENERATED / 2


async def effect_of(path: Path, host: str) -> Effect:
    try:
        return effect_here(await resolve(destination(path, host), ClientConfig()))
    except (ClientConfigError, TokenError) as error:
        return Effect(refusal=str(error))


async def test_match_final_counts(tmp_path: Path) -> None:
    route = await route_of(tmp_path, "Match final all\n  Port 2222\n  User deploy\n")
    assert route.where == "deploy@a.example:2222"


@pytest.mark.parametrize(
    "text",
    [
        "Host *\n  Port 2222 # ours\n",
        'Match exec "test 1 = 1"\n  Port 2222\n',
        "Match !exec false\n  Port = 2222\n",
        "IgnoreUnknown UseKeychain\nUseKeychain yes\nPort 2222\n",
    ],
)
async def test_lines_that_ssh_reads_are_read(tmp_path: Path, text: str) -> None:
    assert (await route_of(tmp_path, text)).port == 2222


async def test_a_file_in_latin_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"# M\xfcller\nHost *\n  Port 2222\n  User m\xfcller\n")
    route = await resolve(destination(tmp_path / "config"), ClientConfig())
    assert (route.port, os.fsencode(route.user)) == (2222, b"m\xfcller")


async def test_what_ssh_refuses_is_refused_with_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(ClientConfigError, match=r"config: line 2: Bad configuration option: nosuchoption$"):
        await route_of(tmp_path, "Port 22\nNoSuchOption yes\n")
    with pytest.raises(ClientConfigError, match="No such file"):
        await resolve(destination(tmp_path / "missing"), ClientConfig())


@pytest.mark.parametrize("option", ["IdentityFile", "CertificateFile", "RevokedHostKeys"])
async def test_the_home_of_nobody_is_reported(tmp_path: Path, option: str) -> None:
    with pytest.raises(TokenError, match="no user nobody-here on this machine"):
        await route_of(tmp_path, f"{option} ~nobody-here/.ssh/k\n")


@pytest.mark.parametrize("option", ["UserKnownHostsFile", "IdentityAgent"])
async def test_files_of_nobody_are_refused_by_ssh(tmp_path: Path, option: str) -> None:
    with pytest.raises((ClientConfigError, TokenError), match=r"(?i)no (such )?user nobody-here"):
        await route_of(tmp_path, f"{option} ~nobody-here/known_hosts\n")


async def test_a_variable_that_is_not_set_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    with pytest.raises(TokenError, match="names a variable that is not set here"):
        await route_of(tmp_path, "IdentityFile ${NOT_SET_HERE}/key\n")
    monkeypatch.setenv("NOT_SET_HERE", "/keys")
    assert (await route_of(tmp_path, "IdentityFile ${NOT_SET_HERE}/key\n")).identities == (Path("/keys/key"),)


async def test_the_agent_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/usual")
    monkeypatch.setenv("OTHER", "/other")
    agents = {"": "/usual", "none": None, "SSH_AUTH_SOCK": "/usual", "$OTHER": "/other", "$NOT_THERE": None}
    agents |= {"~/agent": str(home() / "agent"), "/x/%h": "/x/a.example"}
    for named, expected in agents.items():
        route = await route_of(tmp_path, f"IdentityAgent {named}\n" if named else "")
        assert (str(route.agent) if route.agent else None) == expected, named


async def test_the_login_of_a_host_counts_in_the_conditions(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Match user ops\n  Port 2222\nHost *\n  Port 22\n")
    one = Destination(HostName("a"), "a.example", user="ops", config=tmp_path / "config")
    assert (await resolve(one, ClientConfig())).where == "ops@a.example:2222"


async def test_a_login_named_in_ssh_config_wins_over_that_of_the_host_behind(tmp_path: Path) -> None:
    mine = await route_of(tmp_path, "")
    for text, expected in (("", "ops"), (f"User {mine.user}\n", mine.user), ("Host x\n User y\n", "ops")):
        (tmp_path / "config").write_text(text)
        outside = Destination(HostName("gate"), "gate", config=tmp_path / "config", else_user="ops")
        assert (await resolve(outside, ClientConfig())).user == expected


async def test_algorithms_of_ssh_itself_are_no_wish_of_the_operator(tmp_path: Path) -> None:
    assert (await route_of(tmp_path, "")).settings.algorithms.ciphers is None
    changed = await route_of(tmp_path, "Ciphers -aes128-ctr\nHostKeyAlgorithms +ssh-rsa\n")
    assert "aes128-ctr" not in (changed.settings.algorithms.ciphers or ("aes128-ctr",))
    assert "ssh-rsa" in (changed.settings.algorithms.host_keys or ())
    assert changed.settings.algorithms.macs is None


async def test_a_host_is_read_once_until_it_is_forgotten(tmp_path: Path) -> None:
    count = tmp_path / "count"
    (tmp_path / "config").write_text(f'Match exec "echo x >>{count}"\n  Port 2222\n')
    reader = ClientConfig()
    for _ in range(3):
        assert (await reader.read(Query("a", tmp_path / "config"))).settings.port == 2222
    assert len(count.read_text().split()) == 1
    reader.forget()
    await reader.read(Query("a", tmp_path / "config"))
    assert len(count.read_text().split()) == 2


async def test_the_defaults_are_read_once_for_hosts_that_are_read_together(tmp_path: Path) -> None:
    client = shutil.which("ssh")
    assert client
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\nexec {client} "$@"\n')
    program.chmod(0o755)
    (tmp_path / "config").write_text("Port 2222\n")
    reader = ClientConfig(str(program))
    await asyncio.gather(*(reader.read(Query(f"10.0.0.{last}", tmp_path / "config")) for last in (1, 2, 3)))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert sum("localhost" in call for call in calls) == 1
    assert len(calls) == 4


async def test_a_refusal_is_not_kept(tmp_path: Path) -> None:
    reader, config = ClientConfig(), tmp_path / "config"
    config.write_text("Prot 2222\n")
    with pytest.raises(ClientConfigError):
        await reader.read(Query("a", config))
    config.write_text("Port 2222\n")
    assert (await reader.read(Query("a", config))).settings.port == 2222


async def test_a_condition_that_hangs_is_ended_with_its_ssh(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    (tmp_path / "config").write_text(f'Match exec "echo $$ >{mark}; sleep 600; :"\n  Port 2222\n')
    reading = asyncio.create_task(ClientConfig().read(Query("a", tmp_path / "config")))
    await eventually(lambda: mark.exists() and bool(mark.read_text().strip()))
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    pid = mark.read_text().strip()
    await eventually(lambda: not Path("/proc", pid, "cmdline").exists())


@pytest.mark.parametrize("script", ["echo 'unknown option -- G' >&2; exit 255", "echo usage; exit 0"])
async def test_without_an_openssh_client_asyncssh_reads_what_it_can(tmp_path: Path, script: str) -> None:
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text("Host a.example\n  Port 2222\n  User x\n  IdentityFile ~/k\n  ProxyJump b\n")
    route = await resolve(destination(tmp_path / "config"), ClientConfig(str(program)))
    assert (route.where, route.identities, route.by_client) == ("x@a.example:2222", (home() / "k",), False)
    assert (await resolve(destination(tmp_path / "config"), ClientConfig())).jumps == route.jumps


async def test_two_hundred_hosts_are_read_in_little_time(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host *\n  User ops\n")
    reader = ClientConfig()
    began = time.monotonic()
    read = await asyncio.gather(*(reader.read(Query(f"h{number}", tmp_path / "config")) for number in range(200)))
    assert [answer.settings.user for answer in read] == ["ops"] * 200
    assert (time.monotonic() - began) / 200 < 0.1


def test_printed_settings_are_typed() -> None:
    text = "user ops\nhostname h\nport 22\nstricthostkeychecking true\nrekeylimit 1024 60\n"
    result = read_settings(text + "serveralivecountmax 0\nuserknownhostsfile /a b /c ~/d none\nbindinterface eth0\n")
    assert (result.strict, result.rekey, result.alive_count) == (StrictHostKeys.YES, (1024, 60), 0)
    assert (result.user_known_hosts, result.not_used) == (("/a", "b", "/c", "~/d"), ("BindInterface",))
    with pytest.raises(ValueError, match="no hostname"):
        read_settings("usage: ssh\n")
