"""The file for Prometheus: read by its own strict parser, complete at any time, without what is unknown."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import parser as older
from prometheus_client.openmetrics import parser

from haconsole.cli.reports.openmetrics import openmetrics
from haconsole.cli.watch import MetricsFile, Reporter, UnwrittenFileError, _watch
from haconsole.diagnosis.diagnose import status_of
from haconsole.model import measures as m
from haconsole.model.figures import Figure
from haconsole.model.measures import MEASURES, SeriesKey
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus
from haconsole.present.notices import TerminalSignal
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy
from tests.fakes.session import FakeSession, critical, degraded

strict: Any = parser


def status(snapshot: ClusterSnapshot) -> ClusterStatus:
    return status_of(snapshot, INVENTORY, NOW)


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in strict.text_string_to_metric_families(text)}


def every_figure() -> Measurements:
    measurements = Measurements()
    for number, measure in enumerate(MEASURES):
        measurements.put(
            Figure(SeriesKey(measure, "cp1", "k8s/cp2" if "haproxy" in measure.name else ""), NOW, number / 7)
        )
    return measurements


@pytest.mark.parametrize("snapshot", [healthy(), degraded(), critical()], ids=["healthy", "degraded", "critical"])
def test_prometheus_reads_every_state(snapshot: ClusterSnapshot) -> None:
    read = families(openmetrics(status(snapshot), every_figure(), NOW))
    assert {f"haconsole_{measure.full_name}" for measure in MEASURES} <= set(read)
    assert sum(sample.value for sample in read["haconsole_health"].samples) == 1.0


def test_the_values_are_the_figures() -> None:
    read = families(openmetrics(status(healthy()), every_figure(), NOW))
    fsync = read["haconsole_etcd_fsync_p99_seconds"]
    assert (fsync.type, fsync.unit) == ("gauge", "seconds")
    assert [(sample.labels, sample.value) for sample in fsync.samples] == [({"cluster": "lab", "host": "cp1"}, 0.0)]
    (queue,) = read["haconsole_haproxy_queue"].samples
    assert queue.labels == {"cluster": "lab", "host": "cp1", "server": "k8s/cp2"}
    assert queue.value == pytest.approx(MEASURES.index(m.QUEUE) / 7)


def test_states_have_their_subjects() -> None:
    read = families(openmetrics(status(changed(healthy(), 2, etcd_silent)), Measurements(), NOW))
    members = {each.labels["member"]: each.value for each in read["haconsole_etcd_member_healthy"].samples}
    assert members == {"cp1": 1.0, "cp2": 0.0, "cp3": 1.0}
    assert [each.labels["host"] for each in read["haconsole_vip_owner"].samples] == ["cp1"]
    assert {each.labels["code"] for each in read["haconsole_finding"].samples}


def test_the_older_format_is_read_too() -> None:
    text = openmetrics(status(healthy()), every_figure(), NOW)
    read = {family.name for family in older.text_string_to_metric_families(text)}
    assert "haconsole_etcd_fsync_p99_seconds" in read


def test_what_is_unknown_is_not_written() -> None:
    measurements = Measurements()
    measurements.put(Figure(SeriesKey(m.FSYNC, "cp1"), NOW, 0.5))
    measurements.put(Figure(SeriesKey(m.FSYNC, "cp2"), NOW, None))
    later = NOW + timedelta(minutes=5)
    read = families(openmetrics(status(healthy()), measurements, NOW))
    assert [sample.labels["host"] for sample in read["haconsole_etcd_fsync_p99_seconds"].samples] == ["cp1"]
    assert "fsync" not in openmetrics(status(healthy()), measurements, later)


@given(st.text(max_size=20), st.floats(0, 1e18, allow_nan=False))
def test_any_name_and_value_is_read_again(name: str, value: float) -> None:
    measurements = Measurements()
    measurements.put(Figure(SeriesKey(m.DB_SIZE, "h" + name), NOW, value))
    text = openmetrics(status(replace(healthy(), cluster=name)), measurements, NOW)
    (sample,) = families(text)["haconsole_etcd_db_size_bytes"].samples
    assert sample.labels == {"cluster": name, "host": "h" + name}
    assert sample.value == pytest.approx(value, rel=1e-6)


def test_a_reader_never_sees_a_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "haconsole.prom"
    out, stop, fault = MetricsFile(path), threading.Event(), []
    text = "x" * 200_000 + "\n# EOF\n"
    out.write(text)

    def read() -> None:
        while not stop.is_set():
            if path.read_text() != text:
                fault.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        out.write(text)
    stop.set()
    reader.join()
    assert fault == []
    assert [each.name for each in tmp_path.iterdir()] == ["haconsole.prom"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnwrittenFileError, match="no/such"):
        MetricsFile(tmp_path / "no" / "such" / "file.prom").write("")


async def test_the_file_is_there_while_watching_and_gone_after_it(tmp_path: Path) -> None:
    path = tmp_path / "haconsole.prom"
    session = FakeSession(first=healthy())
    task = asyncio.create_task(_watch(session, path, Reporter((), as_json=False, signal=TerminalSignal.NONE)))
    async with asyncio.timeout(5):
        while not path.exists():
            await asyncio.sleep(0.01)
    assert "haconsole_host_up" in families(path.read_text())
    session.snapshot_queue.put_nowait(None)
    await task
    assert list(tmp_path.iterdir()) == []
