"""The runtime API of a real haproxy, through every pump the script knows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.model.haproxy import AdminState
from haconsole.model.observed import Cause
from haconsole.probes.balancers.haproxy import probe_haproxy
from haconsole.transport.haproxy_api import HaproxyApi, HaproxyError, ask_script, failure_of
from tests.fakes.local_host import LocalHost
from tests.programs.haproxy import HAPROXY, running

needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed here")

BACKENDS = """\
backend k8s_server_6443
    server cp1 127.0.0.1:1 check
    server cp2 127.0.0.1:2
"""


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with running(tmp_path_factory.mktemp("haproxy"), BACKENDS) as path:
        yield path


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    return LocalHost("lb1", tmp_path, {})


def shell(folder: Path, script: str, *programs: str) -> subprocess.CompletedProcess[str]:
    """Run a script where only `programs` can be found."""
    for program in ("timeout", "cat", *programs):
        result = shutil.which(program, path=os.defpath) or shutil.which(program)
        assert result, program
        (folder / program).symlink_to(result)
    return subprocess.run(
        ["/bin/sh", "-s"], input=script, capture_output=True, text=True, env={"PATH": str(folder), "HOME": "/"}
    )


@needs_haproxy
@pytest.mark.parametrize("pump", ["socat", "python3", "perl"])
def test_every_pump_brings_the_same_answer(pump: str, socket: Path, tmp_path: Path) -> None:
    result = shell(tmp_path, ask_script(str(socket), "show servers state", "show version"), pump)
    assert result.returncode == 0, result.stderr
    assert "k8s_server_6443 2 cp2 127.0.0.1" in result.stdout
    assert result.stdout.rstrip().endswith(version())


def version() -> str:
    output = subprocess.run([HAPROXY or "", "-v"], capture_output=True, text=True).stdout
    return output.split()[2]


@pytest.mark.parametrize("pump", ["socat", "python3", "perl"])
def test_every_pump_reports_that_nobody_listens(pump: str, tmp_path: Path) -> None:
    import socket as sockets

    path = tmp_path / "dead.sock"
    with sockets.socket(sockets.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    outcome = shell(tmp_path, ask_script(str(path), "show info"), pump)
    result = failure_of(outcome.returncode, outcome.stdout, outcome.stderr)
    assert result is not None
    assert (result.cause, "listen" in result.what) == (Cause.NOT_RUNNING, True)


@needs_haproxy
def test_without_a_pump_the_hint_names_the_package(socket: Path, tmp_path: Path) -> None:
    outcome = shell(tmp_path, ask_script(str(socket), "show info"))
    result = failure_of(outcome.returncode, outcome.stdout, outcome.stderr)
    assert result is not None
    assert (result.cause, result.hint) == (Cause.NOT_INSTALLED, "install socat on the host")


def test_a_missing_program_is_distinguished_from_one_that_does_not_run(tmp_path: Path) -> None:
    script = ask_script(str(tmp_path / "none.sock"), "show info").replace(":/usr/local/sbin:/usr/sbin", "")
    absent = shell(tmp_path, script)
    (tmp_path / "haproxy").touch(mode=0o755)
    stopped = subprocess.run(
        ["/bin/sh", "-s"], input=script, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    (tmp_path / "pidof").write_text("#!/bin/sh\n")
    (tmp_path / "pidof").chmod(0o755)
    deaf = subprocess.run(["/bin/sh", "-s"], input=script, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    causes = [failure_of(outcome.returncode, outcome.stdout, outcome.stderr) for outcome in (absent, stopped, deaf)]
    assert [result.cause for result in causes if result] == [
        Cause.NOT_INSTALLED,
        Cause.NOT_RUNNING,
        Cause.NOT_CONFIGURED,
    ]


@pytest.mark.parametrize(
    ("status", "errors", "cause"),
    [
        (0, "", Cause.OTHER),
        (None, "", Cause.CONNECTION_LOST),
        (124, "", Cause.TIMED_OUT),
        (1, 'socat[7] E connect(, AF=1 "/run/x", 8): Permission denied', Cause.UNREADABLE),
        (1, "something new", Cause.OTHER),
    ],
)
def test_every_other_end_has_a_cause(status: int | None, errors: str, cause: Cause) -> None:
    result = failure_of(status, "", errors)
    assert result is not None
    assert result.cause is cause
    assert result.hint


@needs_haproxy
async def test_a_server_is_drained_put_in_maintenance_and_made_ready(host: LocalHost, socket: Path) -> None:
    api = HaproxyApi(host, str(socket))
    for state in (AdminState.DRAIN, AdminState.MAINT, AdminState.READY):
        await api.set_state("k8s_server_6443", "cp2", state)
        (backend,) = (await probe_haproxy(host, str(socket))).backends
        assert [server.admin_state for server in backend.servers] == [AdminState.READY, state]


@needs_haproxy
async def test_a_server_that_is_not_there_is_refused_in_haproxys_words(host: LocalHost, socket: Path) -> None:
    with pytest.raises(HaproxyError, match="lb1: haproxy, set server k8s_server_6443/cp9 state drain: No such server"):
        await HaproxyApi(host, str(socket)).set_state("k8s_server_6443", "cp9", AdminState.DRAIN)


@needs_haproxy
async def test_a_socket_for_users_changes_nothing(host: LocalHost, tmp_path: Path) -> None:
    with running(tmp_path, BACKENDS, level="user") as path:
        (backend,) = (await probe_haproxy(host, str(path))).backends
        assert [server.address for server in backend.servers] == ["127.0.0.1:1", "127.0.0.1:2"]
        with pytest.raises(HaproxyError, match="level admin"):
            await HaproxyApi(host, str(path)).set_state("k8s_server_6443", "cp2", AdminState.DRAIN)


async def test_a_lost_host_is_an_error(host: LocalHost) -> None:
    host.lose()
    with pytest.raises(Exception, match="lb1: no way to it"):
        await probe_haproxy(host, "/run/haproxy/admin.sock")


def test_a_command_cannot_smuggle_in_another() -> None:
    with pytest.raises(ValueError, match="semicolon"):
        ask_script("/run/haproxy/admin.sock", "show info;shutdown frontend x")
