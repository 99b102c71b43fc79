"""Recorded values read back unchanged, at the requested time; errors of damaged files have their place."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.inventory.load import load
from haconsole.model.figures import Meter
from haconsole.model.hosts import FACTS, READINGS
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.metrics import ApiserverMetrics, DiskTimes, EtcdMetrics, Histogram, HostUsage, RoundTrips
from haconsole.model.names import MemberId
from haconsole.model.observed import Cause, Failed, Known, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import SystemFacts
from haconsole.recording.file import RECORDED, Recorder, Recording, RecordingError, read_recording
from haconsole.recording.values import Reader, to_json_value
from tests.fakes import kubeadm
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, unreachable
from tests.fakes.session import critical, degraded
from tests.unit.ui.test_certificates import with_certificates

SAMPLE = Path(__file__).parents[3] / "sample-inventories" / "keepalived-haproxy.yaml"
WAS = timedelta()


def recorded(path: Path, *snapshots: ClusterSnapshot) -> Recording:
    recorder = Recorder(path, INVENTORY)
    for number, snapshot in enumerate(snapshots):
        recorder.add(replace(snapshot, observed_at=NOW + timedelta(seconds=number)))
    recorder.close()
    return read_recording(path)


def played(recording: Recording, later: timedelta = WAS) -> list[ClusterSnapshot]:
    return [recording.snapshot(moment, number, later) for number, moment in enumerate(recording.moments)]


def locked() -> ClusterSnapshot:
    lock = Known(HostLock(LockClaim("t1", "ops@laptop", 4711, "r1", "bootstrap"), 42, 4), NOW)
    return changed(healthy(), 1, lambda facts: replace(facts, lock=lock, notes=("a note",)))


def test_nodes_and_kubelets_come_back(tmp_path: Path) -> None:
    (reading,) = played(recorded(tmp_path / "seen.jsonl", kubeadm.healthy()))
    assert reading == replace(kubeadm.healthy(), revision=0, observed_at=NOW)


def test_a_recording_without_nodes_is_read(tmp_path: Path) -> None:
    """The version before nodes were observed wrote none."""
    path = tmp_path / "seen.jsonl"
    recorded(path, healthy())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[1].pop("nodes") is not None
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (reading,) = played(read_recording(path))
    assert isinstance(reading.nodes, NotAsked)


def measured(seconds: float) -> ClusterSnapshot:
    at = NOW + timedelta(seconds=seconds)
    fsync = Histogram((0.001, 0.002), (int(seconds), 2 * int(seconds), 3 * int(seconds)))
    metrics = EtcdMetrics(seconds, fsync, fsync, (RoundTrips(MemberId("a2"), fsync),), committed_proposals=int(seconds))
    usage = HostUsage(seconds, 0.5, 1000, 250, DiskTimes("sda", int(seconds), int(seconds)))
    snapshot = changed(
        healthy(),
        1,
        lambda facts: replace(
            facts,
            etcd_metrics=Known(metrics, at),
            usage=Known(usage, at),
            apiserver_metrics=Known(ApiserverMetrics(seconds, 1, int(seconds), 0), at),
            apiserver_ms=Known(seconds, at),
        ),
    )
    return replace(snapshot, endpoint_ms=Known(3.0, at, via="cp1"))


def test_a_replay_has_the_same_figures(tmp_path: Path) -> None:
    values = (measured(0.0), measured(5.0), measured(10.0), changed(measured(15.0), 1, unreachable))
    output = played(recorded(tmp_path / "seen.jsonl", *values))
    live, replayed = Meter(), Meter()
    for original, copy in zip(values, output, strict=True):
        figures = list(live.figures(original))
        assert figures
        assert list(replayed.figures(copy)) == figures


@pytest.mark.parametrize("name", ["seen.jsonl", "seen.jsonl.gz"])
def test_every_snapshot_comes_back(tmp_path: Path, name: str) -> None:
    silent = changed(healthy(), 2, etcd_silent)
    values = (healthy(), degraded(), with_certificates(), critical(), locked(), silent, healthy())
    for number, reading in enumerate(played(recorded(tmp_path / name, *values))):
        assert reading == replace(values[number], revision=number, observed_at=NOW + timedelta(seconds=number))


def test_times_come_back_later_and_ages_stay(tmp_path: Path) -> None:
    later = timedelta(days=40, seconds=3)
    (reading,) = played(recorded(tmp_path / "seen.jsonl", changed(healthy(), 3, unreachable)), later)
    assert reading.observed_at == NOW + later
    absent = reading.hosts[2].etcd
    assert isinstance(absent, Failed)
    assert absent.at == NOW + later
    assert absent.last is not None
    assert isinstance(reading.leases, Known)
    assert [lease.age_s(NOW + later) for lease in reading.leases.value] == [
        lease.age_s(NOW)
        for lease in healthy().leases.value  # type: ignore[union-attr]
    ]


def test_what_is_only_heard_again_takes_little_room(tmp_path: Path) -> None:
    def repeated(seconds: int) -> ClusterSnapshot:
        return aged(healthy(), timedelta(seconds=seconds))

    recording = recorded(tmp_path / "seen.jsonl", repeated(0), repeated(1), repeated(2))
    first, second, third = (tmp_path / "seen.jsonl").read_text().splitlines()[1:]
    assert len(second) < len(first) / 4
    assert len(third) < len(first) / 4
    assert [reading.hosts for reading in played(recording)] == [repeated(seconds).hosts for seconds in (0, 1, 2)]


def aged(snapshot: ClusterSnapshot, by: timedelta) -> ClusterSnapshot:
    hosts = []
    for facts in snapshot.hosts:
        new = {name: replace(fact, at=fact.at + by) for name, fact in facts.facts() if not isinstance(fact, NotAsked)}
        hosts.append(replace(facts, **new))
    return replace(snapshot, hosts=tuple(hosts))


def test_no_secret_of_the_inventory_is_written(tmp_path: Path) -> None:
    inventory = load(SAMPLE)
    (secret,) = {vip.auth_pass.reveal() for vip in inventory.vips if vip.auth_pass}
    recorder = Recorder(tmp_path / "seen.jsonl", inventory)
    recorder.add(healthy())
    recorder.close()
    assert secret not in (tmp_path / "seen.jsonl").read_text()
    second = read_recording(tmp_path / "seen.jsonl").inventory
    assert {vip.auth_pass.reveal() for vip in second.vips if vip.auth_pass} == {RECORDED}
    assert repr(second) == repr(inventory)


@pytest.mark.parametrize("path", sorted(SAMPLE.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_sample_inventory_comes_back(tmp_path: Path, path: Path) -> None:
    recorder = Recorder(tmp_path / "seen.jsonl", load(path))
    recorder.add(healthy())
    recorder.close()
    assert repr(read_recording(tmp_path / "seen.jsonl").inventory) == repr(load(path))


def test_the_file_is_readable_only_by_its_owner_and_an_older_one_is_kept(tmp_path: Path) -> None:
    recorded(tmp_path / "seen.jsonl", healthy())
    assert (tmp_path / "seen.jsonl").stat().st_mode & 0o777 == 0o600
    with pytest.raises(RecordingError, match="already exists"):
        Recorder(tmp_path / "seen.jsonl", INVENTORY)
    with pytest.raises(RecordingError, match="cannot be written: No such file"):
        Recorder(tmp_path / "nowhere" / "seen.jsonl", INVENTORY)


@pytest.mark.parametrize("name", ["seen.jsonl", "seen.jsonl.gz"])
def test_a_recorder_that_was_killed_leaves_what_it_wrote(tmp_path: Path, name: str) -> None:
    recorded(tmp_path / name, healthy(), degraded(), critical())
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-20])
    assert 1 <= len(read_recording(tmp_path / name).moments) <= 2


def test_a_renamed_field_keeps_its_recorded_name() -> None:
    system = SystemFacts("cp1", "m1", files_written=(("/etc/haproxy/haproxy.cfg", NOW),))
    raw = to_json_value(system)
    assert raw["written"] == [["/etc/haproxy/haproxy.cfg", NOW.isoformat()]]
    assert Reader().read(SystemFacts, raw) == system


def _without_lines(lines: list[str]) -> list[str]:
    return []


def _alone(lines: list[str]) -> list[str]:
    return lines[:1]


def _other(lines: list[str]) -> list[str]:
    return ['{"schema":"haconsole/recording/v9","inventory":{}}', *lines[1:]]


def _yaml(lines: list[str]) -> list[str]:
    return ["cluster: lab", *lines[1:]]


def _no_json(lines: list[str]) -> list[str]:
    return [*lines, "no JSON"]


def _no_time(lines: list[str]) -> list[str]:
    return [*lines, '{"hosts":{}}']


@pytest.mark.parametrize(
    ("harm", "output"),
    [
        (_without_lines, "is not a recording, or was recorded by another version"),
        (_alone, "has no snapshot in it"),
        (_other, "is not a recording, or was recorded by another version"),
        (_yaml, "is not a recording, or was recorded by another version"),
        (_no_json, r"seen.jsonl:3: this line is not a valid snapshot"),
        (_no_time, r"seen.jsonl:3: this line is not a valid snapshot"),
    ],
)
def test_other_files_than_recordings_are_refused_with_the_reason(
    tmp_path: Path, harm: Callable[[list[str]], list[str]], output: str
) -> None:
    path = tmp_path / "seen.jsonl"
    recorded(path, healthy())
    path.write_text("".join(f"{line}\n" for line in harm(path.read_text().splitlines())))
    with pytest.raises(RecordingError, match=output):
        read_recording(path)
    with pytest.raises(RecordingError, match="cannot be read: No such file"):
        read_recording(tmp_path / "none.jsonl")
    (tmp_path / "no.gz").write_bytes(b"no gzip at all")
    with pytest.raises(RecordingError, match="is not a recording"):
        read_recording(tmp_path / "no.gz")


def test_damage_inside_a_compressed_file_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl.gz"
    recorded(path, *(healthy(), degraded(), critical()) * 20)
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 64] = bytes(64)
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"seen.jsonl.gz:\d+: "):
        read_recording(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("at", "known", "failed", "host")), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from((*FACTS, *READINGS, "host", "roles", "notes", "other")), content=JSON)
def test_any_fact_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str, content: object) -> None:
    path = tmp_path_factory.mktemp("any") / "seen.jsonl"
    recorded(path, healthy())
    heading, line = path.read_text().splitlines()
    first = json.loads(line)
    first["hosts"]["cp1"][name] = content
    path.write_text(f"{heading}\n{json.dumps(first)}\n")
    told_as = None
    try:
        played(read_recording(path))
    except RecordingError as error:
        told_as = str(error)
    assert told_as is None or "seen.jsonl:2" in told_as


def test_causes_and_what_was_known_before_come_back(tmp_path: Path) -> None:
    (reading,) = played(recorded(tmp_path / "seen.jsonl.gz", changed(healthy(), 3, unreachable)))
    assert isinstance(reading.hosts[2].reach, Failed)
    assert reading.hosts[2].reach.cause in Cause
    with gzip.open(tmp_path / "seen.jsonl.gz", "rt") as file:
        assert "haconsole/recording/v1" in file.readline()
