"""Logs of static pods' containers: the script on a folder of log files, and the lines of each runtime."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.load import load
from haconsole.model.journal import ERROR, WARNING, JournalLine
from haconsole.model.names import HostName
from haconsole.session.container_logs import container_line, container_logs_argv
from haconsole.session.journal import LogSources, follow, log_sources
from tests.fakes.cluster import INVENTORY
from tests.fakes.transport import FakeFleet

CP1 = HostName("cp1")
AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[3] / "sample-inventories"


def entry(minute: int, text: str) -> str:
    return f"2026-03-01T03:{minute:02}:05.123456789Z stderr F {text}\n"


class PodLogs:
    """A folder like /var/log/pods, with one container of etcd."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.container = root / f"kube-system_etcd-{platform.node().lower()}_0123456789abcdef0123456789abcdef" / "etcd"
        self.container.mkdir(parents=True)
        self.programs = root / "programs"
        self.programs.mkdir()
        (self.programs / "pidof").write_text("#!/bin/sh\nexit 1\n")  # a kubelet of this machine has another node name
        (self.programs / "pidof").chmod(0o755)

    def write(self, name: str, text: str, modified: int) -> Path:
        path = self.container / name
        path.write_text(text)
        os.utime(path, (modified, modified))
        return path

    def argv_and_environment(self, *, path: str | None = None) -> dict[str, str]:
        path = f"{self.programs}:{path or os.environ['PATH']}"
        return {**os.environ, "HACONSOLE_POD_LOGS": str(self.root), "PATH": path}

    def read(self, start: datetime, end: datetime) -> list[str]:
        argv = container_logs_argv(("etcd",), 100, start, end)
        return subprocess.run(
            argv, env=self.argv_and_environment(), capture_output=True, text=True, timeout=20, check=True
        ).stdout.splitlines()

    @contextmanager
    def followed(self, last: int) -> Iterator[Iterator[str]]:
        """The lines of the script, which ends at the end of the block."""
        argv = container_logs_argv(("etcd",), last, None, None)
        with subprocess.Popen(
            argv, env=self.argv_and_environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            assert process.stdout is not None
            try:
                yield (line.rstrip("\n") for line in process.stdout)
            finally:
                os.killpg(process.pid, 9)


@pytest.fixture
def pods(tmp_path: Path) -> PodLogs:
    return PodLogs(tmp_path)


def test_it_is_followed_after_its_history_also_into_the_next_container(pods: PodLogs) -> None:
    pods.write("0.log", entry(1, "first container"), 1000)
    newest = pods.write("1.log", entry(2, "second container") + entry(3, "ready"), 2000)
    with pods.followed(last=2) as lines:
        assert next(lines).endswith("second container")
        assert next(lines).endswith("ready")
        with newest.open("a") as file:
            file.write(entry(4, "a new line") + "2026-03-01T03:04:06Z stderr F not comp")
        assert next(lines) == "etcd " + entry(4, "a new line").rstrip()
        with newest.open("a") as file:
            file.write("lete before\n")
        assert next(lines).endswith("F not complete before")
        (pods.container / "2.log").write_text(entry(5, "third container"))
        assert next(lines).endswith("third container")


def test_the_history_includes_the_container_before(pods: PodLogs) -> None:
    pods.write("0.log", entry(1, "panic: its last line"), 1000)
    pods.write("1.log", entry(2, "started again"), 2000)
    with pods.followed(last=10) as lines:
        assert [next(lines).rpartition(" F ")[2] for _ in range(2)] == ["panic: its last line", "started again"]


def test_only_the_minutes_around_a_moment_also_from_rotated_files(pods: PodLogs) -> None:
    pods.write("0.log.20260301-030300", entry(1, "rotated"), 1000)
    pods.write("0.log", entry(3, "inside") + entry(9, "later"), 2000)
    lines = pods.read(AT.replace(minute=1), AT.replace(minute=3))
    assert [line.rpartition(" F ")[2] for line in lines] == ["rotated", "inside"]


def test_a_pod_without_log_and_container_is_reported(tmp_path: Path) -> None:
    environment = {**os.environ, "HACONSOLE_POD_LOGS": str(tmp_path), "PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        container_logs_argv(("etcd",), 5, AT, AT), env=environment, capture_output=True, text=True, check=True
    )
    line = container_line(CP1, result.stdout.rstrip("\n"))
    assert line is not None
    assert line.text == f"there is no log of it in {tmp_path}, and no container of it"
    assert (line.source, line.priority) == ("etcd", ERROR)


def test_crictl_is_used_where_there_are_no_files(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "crictl"
    tool.parent.mkdir()
    tool.write_text(
        '#!/bin/sh\ncase $1 in ps) echo 4f1c9;; logs) echo "2026-03-01T03:00:05.5Z $*";; esac\n', encoding="utf-8"
    )
    tool.chmod(0o755)
    environment = {
        **os.environ,
        "HACONSOLE_POD_LOGS": str(tmp_path / "none"),
        "PATH": f"{tool.parent}:/usr/bin:/bin",
    }
    result = subprocess.run(
        container_logs_argv(("etcd",), 7, None, None), env=environment, capture_output=True, text=True, check=True
    )
    line = container_line(CP1, result.stdout.rstrip("\n"))
    assert line == JournalLine(
        CP1, AT.replace(second=5, microsecond=500000), "etcd", "logs --timestamps --follow --tail 7 4f1c9", 6
    )


@pytest.mark.parametrize(
    ("line", "second", "text", "priority"),
    [
        ("etcd 2026-03-01T03:00:05.123456789Z stderr F ready", 5, "ready", 6),
        ("etcd 2026-03-01T04:00:06.1+01:00 stdout P:x part", 6, "part", 6),
        ('etcd {"log":"ready\\n","stream":"stderr","time":"2026-03-01T03:00:07.1Z"}', 7, "ready", 6),
        ("kube-scheduler 2026-03-01T03:00:08Z stderr F E0301 x.go:1] lost", 8, "E0301 x.go:1] lost", 3),
        ('etcd 2026-03-01T03:00:09Z stderr F {"level":"warn","msg":"slow"}', 9, '{"level":"warn","msg":"slow"}', 4),
        ("etcd 2026-03-01T03:00:10Z stderr F 03:00:10.1 C | etcdmain: no", 10, "03:00:10.1 C | etcdmain: no", 3),
        ("haproxy 2026-03-01T03:00:11Z stderr F [WARNING] (8) : down", 11, "[WARNING] (8) : down", WARNING),
    ],
)  # fmt: skip
def test_lines_of_each_runtime(line: str, second: int, text: str, priority: int) -> None:
    parsed = container_line(CP1, line)
    assert parsed is not None
    assert (parsed.at.replace(microsecond=0), parsed.text, parsed.priority) == (
        AT.replace(second=second),
        text,
        priority,
    )
    assert parsed.source == line.partition(" ")[0]


@pytest.mark.parametrize("line", ["", "etcd", "etcd no time", "etcd {}", 'etcd {"time":"soon","log":"x"}'])
def test_a_line_without_a_time_is_left_out(line: str) -> None:
    assert container_line(CP1, line) is None


def test_a_component_has_its_unit_or_its_pod_and_a_host_has_all() -> None:
    host = INVENTORY.hosts[0]
    assert log_sources(layout(INVENTORY), host, "etcd") == LogSources(("etcd.service",))
    assert log_sources(layout(INVENTORY), host).units == layout(INVENTORY).units(host)
    assert log_sources(layout(INVENTORY), host, "no-such").units == layout(INVENTORY).units(host)
    stacked = load(SAMPLES / "kubeadm-aws-bastion.yaml")
    plane = next(host for host in stacked.hosts if "control-plane" in host.roles)
    assert log_sources(layout(stacked), plane, "etcd") == LogSources((), ("etcd",))
    assert log_sources(layout(stacked), plane, "kubelet") == LogSources(("kubelet.service",))
    everything = log_sources(layout(stacked), plane)
    assert {"etcd", "kube-apiserver", "kube-scheduler"} <= set(everything.pods)
    assert "kubelet.service" in everything.units


async def test_units_and_pods_of_a_host_are_one_stream() -> None:
    fleet = FakeFleet()
    fleet.host(CP1).when_followed(
        *container_logs_argv(("etcd",), 9, None, None), lines=("etcd 2026-03-01T03:00:05Z stderr F ready",)
    )
    async with aclosing(follow(fleet, {CP1: LogSources((), ("etcd",))}, last=9)) as lines:
        line = await anext(lines)
    assert (line.source, line.text) == ("etcd", "ready")
