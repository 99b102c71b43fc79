"""Readings for figures: what programs expose, and the ways to it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from haconsole.model.metrics import Histogram, observations, quantile
from haconsole.model.names import HostName
from haconsole.probes.errors import ProbeError
from haconsole.probes.etcd import metrics as etcd_metrics
from haconsole.probes.exposition import Sample, histogram, samples
from haconsole.probes.hosts import usage
from haconsole.probes.kubernetes import metrics as apiserver_metrics
from haconsole.probes.reading_pace import ReadingPace
from haconsole.probes.readings import ReadingProbe, Take
from haconsole.probes.script import Section, SectionAnswer, answers, render, with_arguments
from haconsole.scripts import load_script
from haconsole.transport import etcd_http
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind
from haconsole.transport.etcd_http import EtcdPages
from haconsole.transport.threads import in_thread
from tests.programs.etcd import Member, make_tls, new_member, running
from tests.programs.pump import forward

PAGE = """\
# HELP apiserver_current_inflight_requests [ALPHA] Maximal number of currently used inflight request limit
# TYPE apiserver_current_inflight_requests gauge
apiserver_current_inflight_requests{request_kind="mutating"} 1
apiserver_current_inflight_requests{request_kind="readOnly"} 4
apiserver_request_total{code="200",verb="GET"} 1200
apiserver_request_total{code="404",verb="GET"} 7
apiserver_request_total{code="503",verb="LIST"} 3
apiserver_request_total_other{code="503"} 99
"""


def test_samples_of_the_requested_names_only() -> None:
    text = 'a{x="1,}\\"\\n",y="z"} 1.5e3 1700000000000\nab 2\nb NaN\na +Inf\n'
    assert list(samples(text, ("a",))) == [
        Sample("a", {"x": '1,}"\n', "y": "z"}, 1500.0),
        Sample("a", {}, float("inf")),
    ]


def test_a_sample_without_a_value_is_an_error() -> None:
    with pytest.raises(ProbeError):
        list(samples("a many\n", ("a",)))


def test_buckets_make_a_histogram_in_order() -> None:
    text = 'h_bucket{le="+Inf"} 4\nh_bucket{le="0.002"} 3\nh_bucket{le="0.001"} 1\n'
    assert histogram(tuple(samples(text, ("h_bucket",)))) == Histogram((0.001, 0.002), (1, 3, 4))


def test_an_api_server_counts_requests_and_errors() -> None:
    metrics = apiserver_metrics.metrics_of(PAGE, 7.0)
    assert (metrics.in_flight, metrics.requests, metrics.errors, metrics.clock_s) == (5, 1210, 3, 7.0)


def test_a_page_of_another_program_is_an_error() -> None:
    with pytest.raises(ProbeError):
        apiserver_metrics.metrics_of("go_goroutines 5\n", 0.0)
    with pytest.raises(ProbeError):
        etcd_metrics.metrics_of("go_goroutines 5\n", 0.0)


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    folder = tmp_path_factory.mktemp("etcd")
    one = new_member("m1", folder, make_tls(folder / "tls"))
    with running(one):
        yield one


@pytest.fixture
def socket(member: Member, tmp_path: Path) -> Iterator[Path]:
    with forward(tmp_path, member.client_port) as path:
        yield path


def put(member: Member, count: int) -> None:
    tls = member.tls
    assert tls is not None
    for number in range(count):
        subprocess.run(
            ("etcdctl", "--endpoints", member.client_url, *_client_files(member), "put", f"k{number}", "v"),
            env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/usr/local/bin:/bin"},
            check=True,
            capture_output=True,
        )


def _client_files(member: Member) -> tuple[str, ...]:
    tls = member.tls
    assert tls is not None
    assert tls.client.cert is not None
    assert tls.client.key is not None
    cert, key = member.folder / "client.pem", member.folder / "client-key.pem"
    cert.write_bytes(tls.client.cert)
    key.write_text(tls.client.key.reveal())
    return "--insecure-skip-tls-verify", "--cert", str(cert), "--key", str(key)


@pytest.mark.skipif(shutil.which("etcdctl") is None, reason="etcdctl is not installed")
async def test_the_metrics_of_a_real_member_count_its_writes(member: Member, socket: Path) -> None:
    assert member.tls is not None
    pages = EtcdPages(HostName("m1"), socket, member.tls.client, "127.0.0.1")
    try:
        before = etcd_metrics.metrics_of(await pages.metrics(deadline_s=5), time.monotonic())
        await asyncio.to_thread(put, member, 3)
        after = etcd_metrics.metrics_of(await pages.metrics(deadline_s=5), time.monotonic())
    finally:
        pages.close()
    assert after.committed_proposals - before.committed_proposals == 3
    synced = observations(before.fsync, after.fsync)
    assert synced.total >= 3
    assert 0 < (quantile(synced, 0.99) or 0) < 10
    assert after.applied_proposals >= after.committed_proposals - 1
    assert len(after.commit.counts) == len(after.commit.bounds) + 1


async def test_the_connection_stays_open_between_readings(member: Member, socket: Path) -> None:
    assert member.tls is not None
    pages = EtcdPages(HostName("m1"), socket, member.tls.client, "127.0.0.1")
    await pages.metrics(deadline_s=5)
    first = pages._connection
    assert first is not None
    near = first.sock
    await pages.metrics(deadline_s=5)
    assert pages._connection is first
    assert first.sock is near
    pages.close()


async def test_a_member_that_is_gone_is_an_error_and_is_found_again(member: Member, tmp_path: Path) -> None:
    assert member.tls is not None
    pages = EtcdPages(HostName("m1"), tmp_path / f"{member.client_port}.sock", member.tls.client, "127.0.0.1")
    with pytest.raises(EtcdError) as raised:
        await pages.metrics(deadline_s=2)
    assert raised.value.kind is EtcdErrorKind.UNAVAILABLE
    with forward(tmp_path, member.client_port):
        assert "etcd_server_has_leader" in await pages.metrics(deadline_s=5)
        pages.close()


async def test_a_page_of_a_closed_client_opens_no_connection(
    member: Member, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread may begin only after `close`."""
    assert member.tls is not None
    pages = EtcdPages(HostName("m1"), socket, member.tls.client, "127.0.0.1")

    async def late(work: Callable[[], str], name: str) -> str:
        pages.close()
        return await in_thread(work, name)

    monkeypatch.setattr(etcd_http, "in_thread", late)
    for _ in range(2):
        with pytest.raises(EtcdError):
            await pages.metrics(deadline_s=5)
        assert pages._connection is None


async def test_a_client_without_certificate_is_refused_as_such(member: Member, socket: Path) -> None:
    pages = EtcdPages(HostName("m1"), socket, None, "127.0.0.1")
    with pytest.raises(EtcdError):
        await pages.metrics(deadline_s=2)


def usage_answer(folder: str) -> SectionAnswer:
    script = render((usage_section(folder),))
    result = subprocess.run(("sh", "-s"), input=script, capture_output=True, check=True)
    (answer,) = answers(result.stdout.decode())
    return answer


def usage_section(folder: str) -> Section:
    return Section("usage", with_arguments(load_script("usage"), folder))


def test_the_usage_of_this_machine() -> None:
    result = usage.parse(usage_answer("/"))
    assert result.clock_s > 0
    assert result.load is not None
    assert result.memory_bytes
    assert result.available_bytes
    assert result.available_bytes < result.memory_bytes


def test_a_file_system_without_a_disk_has_no_disk_times() -> None:
    assert usage.parse(usage_answer("/proc/sys")).disk is None


def test_the_disk_is_the_one_of_the_longest_mount_point() -> None:
    answer = SectionAnswer("usage", "uptime 7.5\ndisk sda1 120 4500", "", 0)
    result = usage.parse(answer)
    assert result.disk is not None
    assert (result.disk.device, result.disk.operations, result.disk.busy_ms) == ("sda1", 120, 4500)
    assert result.load is None


def test_usage_without_a_clock_is_unreadable() -> None:
    with pytest.raises(ProbeError):
        usage.parse(SectionAnswer("usage", "load 1.0", "", 0))


class Source:
    """A way that fails when `broken`, and counts connections and readings."""

    def __init__(self) -> None:
        self.opened = self.readings = 0
        self.fails = False
        self.failures: list[Exception] = []

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Take, None]:
        self.opened += 1
        yield self.take

    async def take(self) -> None:
        if self.fails:
            raise OSError("gone")
        self.readings += 1


async def until(condition: object, patience_s: float = 5.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(patience_s):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_failed_reading_is_reported_and_taken_over_a_new_connection() -> None:
    source, pace = Source(), ReadingPace(0.01, 0.001)
    task = asyncio.create_task(ReadingProbe(source.open, source.failures.append).follow(pace))
    try:
        await until(lambda: source.readings > 2)
        assert source.opened == 1
        source.fails = True
        await until(lambda: len(source.failures) > 0)
        source.fails = False
        reading, opened = source.readings, source.opened
        await until(lambda: source.readings > reading)
        assert source.opened > opened or opened > 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_two_readings_for_a_rate_share_a_connection_and_a_failed_one_ends_them() -> None:
    source = Source()
    began = time.monotonic()
    await ReadingProbe(source.open, source.failures.append).twice(0.05)
    assert time.monotonic() - began >= 0.05
    assert (source.opened, source.readings, source.failures) == (1, 2, [])
    source.fails = True
    await ReadingProbe(source.open, source.failures.append).twice(60.0)
    assert (source.opened, source.readings, len(source.failures)) == (2, 2, 1)


async def test_readings_are_more_frequent_while_somebody_looks() -> None:
    source, pace = Source(), ReadingPace(60.0, 0.01)
    task = asyncio.create_task(ReadingProbe(source.open, source.failures.append).follow(pace))
    try:
        await until(lambda: source.readings == 1)
        await asyncio.sleep(0.05)
        assert source.readings == 1
        pace.quicken(faster=True)
        await until(lambda: source.readings > 3)
        pace.quicken(faster=False)
        await asyncio.sleep(0.05)
        count = source.readings
        await asyncio.sleep(0.05)
        assert source.readings == count
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_heavy_reading_is_taken_in_few_turns_only_except_early_and_while_somebody_looks() -> None:
    source = Source()
    waited: list[int] = []

    class Counted(ReadingPace):
        async def pause(self) -> None:
            waited.append(source.readings)
            await super().pause()

    pace = Counted(0.001, 0.001)
    task = asyncio.create_task(ReadingProbe(source.open, source.failures.append, 5, 2).follow(pace))
    try:
        await until(lambda: source.readings == 4)
        assert [waited.count(number) for number in (1, 2, 3)] == [2, 5, 5]
        pace.quicken(faster=True)
        reading = source.readings
        await until(lambda: source.readings > reading + 2)
        assert waited.count(reading + 2) == 2
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_page_that_is_large_is_read_quickly() -> None:
    """An API server exposes some ten thousand lines; only those that count are parsed."""
    many = "".join(f'apiserver_other_bucket{{le="{n}",verb="LIST"}} {n}\n' for n in range(20_000))
    began = time.process_time()
    apiserver_metrics.metrics_of(many + PAGE, 0.0)
    assert time.process_time() - began < 0.2
