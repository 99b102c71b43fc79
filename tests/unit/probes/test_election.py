"""The time of an election is read from the log of a member when the leader changes."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.configs.layout import layout
from haconsole.model.etcd import Election
from haconsole.model.names import MemberId
from haconsole.model.observed import Known
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.etcd.election import ElectionProbe
from haconsole.probes.fact_store import FactStore
from haconsole.scripts import load_script
from tests.fakes.cluster import INVENTORY, NAMES, NOW, endpoint
from tests.fakes.transport import FakeFleet

FRAME = "=haconsole= < election\n{}\n=haconsole= ! 0\n\n=haconsole= >\n"
LOGGED = NOW + timedelta(seconds=4.25)


def log(folder: Path, pod: str, *lines: str) -> None:
    path = folder / f"kube-system_{pod}-cp1_0123/{pod}/0.log"
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize("shell", [("dash",), ("busybox", "ash"), ("bash",)], ids=" ".join)
def test_the_first_entry_of_the_term_counts(tmp_path: Path, shell: tuple[str, ...]) -> None:
    log(
        tmp_path,
        "etcd",
        "2026-11-30T01:00:01.1Z stderr F 8e9e elected leader 8e9e at term 1",
        "2026-11-30T01:00:02.2Z stderr F 8e9e became candidate at term 12",
        '2026-11-30T01:00:03.3Z stderr F {"msg":"8e9e became leader at term 12"}',
        "2026-11-30T01:00:04.4Z stderr F 8e9e elected leader 8e9e at term 12",
    )
    script = load_script("etcd-election").replace("/var/log/pods", str(tmp_path))

    def read(term: int) -> str:
        argv = (*shell, "-c", script, "etcd-election", str(term), "pod", "etcd")
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    assert read(12) == "2026-11-30T01:00:03.3Z\n"
    assert read(1) == "2026-11-30T01:00:01.1Z\n"
    assert read(2) == ""


def led_by(store: FactStore, leader: int, term: int) -> None:
    for n, name in enumerate(NAMES, 1):
        store.put(name, "etcd", Known(replace(endpoint(n, leader=leader), raft_term=term), NOW))


async def elections(logs: dict[str, str], unreadable: tuple[str, ...] = ()) -> list[Election | None]:
    """The known election while cp1 leads, and after cp2 was elected; `logs` are the answers of the hosts."""
    fleet, store = FakeFleet(), FactStore(INVENTORY, lambda: NOW)
    for name in NAMES:
        store.put(name, "clock_offset_ms", Known(2000.0, NOW))
        fleet.host(name).when("sh", "-s", say=logs[name] if name in unreadable else FRAME.format(logs.get(name, "")))
    context = ClusterContext(INVENTORY, layout(INVENTORY), fleet, lambda: NOW, b"s", ProbeTimings())
    probe, known = ElectionProbe(context, store), []
    for leader, term in ((1, 4), (1, 4), (2, 5), (2, 5)):
        led_by(store, leader, term)
        await probe.look()
        known.append(store.snapshot().election)
    assert sum(len(host.calls) for host in fleet.hosts.values()) == len(logs), "one query a host, for the new term"
    return known


async def test_a_new_leader_is_dated_by_its_own_log_and_its_clock() -> None:
    known = await elections({"cp2": f"{LOGGED.timestamp() + 2:.6f}"})
    expected = Election(MemberId("a2"), 5, LOGGED)
    assert known == [None, None, expected, expected]


async def test_a_script_that_fails_on_one_host_ends_nothing() -> None:
    failed = FRAME.format("").replace("! 0", "! 127")
    known = await elections({"cp2": failed, "cp1": f"{LOGGED.timestamp() + 2:.6f}"}, unreadable=("cp2",))
    assert known[-1] == Election(MemberId("a2"), 5, LOGGED)


async def test_another_member_dates_the_leader_whose_log_cannot_be_read() -> None:
    known = await elections({"cp2": "", "cp1": f"{LOGGED.timestamp() + 2:.6f}"})
    assert known[-1] == Election(MemberId("a2"), 5, LOGGED)
