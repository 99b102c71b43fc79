"""The runtime API of a real haproxy, through every pump the script knows."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from haconsole.model.haproxy import AdminState
from haconsole.model.observed import Cause
from haconsole.probes.balancers.haproxy import QUESTIONS, facts_of, probe_haproxy
from haconsole.probes.script import MARK, NOTHING_STAYS, FrameReader, SectionAnswer
from haconsole.transport.haproxy_api import HaproxyApi, HaproxyError, ask_script, failure_of, watch_script
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


@contextmanager
def watching(
    folder: Path, socket: Path, program: str, turns: int, after: str = ":"
) -> Iterator[Iterator[tuple[float, str]]]:
    """The answers of a watch that finds only `program`, each with its time; it ends with the block."""
    script = watch_script(str(socket), *QUESTIONS, mark=MARK, section="haproxy", turns=turns)
    (folder / program).symlink_to(shutil.which(program, path=os.defpath) or program)
    environment = {"PATH": str(folder), "HOME": "/"}
    argv = ("/bin/sh", "-c", f"watch() {{\n{script}\n}}\nwatch; {after}")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout
        reader = FrameReader()
        events = ((time.monotonic(), reader.take(line)) for line in running.stdout)
        try:
            yield ((at, event.output) for at, event in events if isinstance(event, SectionAnswer))
        finally:
            started = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            running.terminate()
            for pid in started:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)


def states(answer: str) -> list[AdminState]:
    (backend,) = facts_of(answer).backends
    return [server.admin_state for server in backend.servers]


@needs_haproxy
@pytest.mark.parametrize("program", ["perl", "python3"])
async def test_a_watch_reports_a_change_within_two_seconds_and_nothing_before(
    program: str, socket: Path, host: LocalHost, tmp_path: Path
) -> None:
    api = HaproxyApi(host, str(socket))
    await api.set_state("k8s_server_6443", "cp2", AdminState.READY)
    with watching(tmp_path, socket, program, turns=100) as answers:
        assert states(next(answers)[1])[1] is AdminState.READY
        await asyncio.sleep(1.5)
        changed_at = time.monotonic()
        await api.set_state("k8s_server_6443", "cp2", AdminState.MAINT)
        at, answer = next(answers)
    await api.set_state("k8s_server_6443", "cp2", AdminState.READY)
    assert states(answer)[1] is AdminState.MAINT
    assert 0 < at - changed_at < 2.5


@needs_haproxy
@pytest.mark.parametrize("program", ["perl", "python3"])
def test_a_watch_repeats_the_answer_for_the_counters(program: str, socket: Path, tmp_path: Path) -> None:
    with watching(tmp_path, socket, program, turns=2) as answers:
        times = [next(answers)[0] for _ in range(3)]
    assert [1.5 < later - earlier < 4 for earlier, later in itertools.pairwise(times)] == [True, True]


@needs_haproxy
@pytest.mark.parametrize("program", ["perl", "python3"])
def test_a_watch_queries_the_process_that_listens_now(program: str, tmp_path: Path) -> None:
    """A reloaded haproxy keeps its old process for as long as a connection to it is open."""
    (tmp_path / "old").mkdir()
    (tmp_path / "programs").mkdir()
    with (
        running(tmp_path / "old", BACKENDS) as path,
        watching(tmp_path / "programs", path, program, 1, after="while sleep 0.2; do watch; done") as answers,
    ):
        assert "cp9" not in next(answers)[1]
        config = tmp_path / "old" / "haproxy.cfg"
        config.write_text(config.read_text() + "    server cp9 127.0.0.1:9\n")
        for number, (_, answer) in enumerate(itertools.islice(answers, 30)):
            if "cp9" in answer:
                break
            if number % 5 == 0:
                os.kill(process_of(config), signal.SIGUSR2)
        else:
            pytest.fail("the new process was not queried")


def process_of(config: Path) -> int:
    """The haproxy that this test started with the file."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return next(int(pid) for pid in children if str(config) in Path(f"/proc/{pid}/cmdline").read_text())


@needs_haproxy
@pytest.mark.parametrize("program", ["perl", "python3"])
def test_a_watch_ends_with_haproxy(program: str, tmp_path: Path) -> None:
    (tmp_path / "haproxy").mkdir()
    with watching(tmp_path, tmp_path / "haproxy" / "admin.sock", program, 1) as answers:
        assert list(answers) == []
    (tmp_path / program).unlink()
    with (
        running(tmp_path / "haproxy", BACKENDS) as path,
        watching(tmp_path, path, program, 1) as answers,
    ):
        next(answers)
        os.kill(process_of(tmp_path / "haproxy" / "haproxy.cfg"), signal.SIGTERM)
        assert len(list(itertools.islice(answers, 60))) < 60


def test_where_nothing_can_stay_a_watch_ends_with_a_status_of_its_own(tmp_path: Path) -> None:
    script = watch_script("/none", "show info", mark=MARK, section="haproxy", turns=1)
    assert shell(tmp_path, f"watch() {{\n{script}\n}}\nwatch", "socat").returncode == NOTHING_STAYS


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
