"""The script that reads repeated events: from the journal of units, and from the newest logs of static pods."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from haconsole.configs.layout import layout
from haconsole.model.events import EventKind, RecentEvents
from haconsole.probes.hosts import events
from haconsole.probes.hosts.static_pods import pods_of
from haconsole.probes.script import SectionAnswer
from haconsole.scripts import load_script
from tests.fakes.kubeadm import INVENTORY

STATIC = "kube-system_etcd-cp1_0123456789abcdef0123456789abcdef"
ORDINARY = "web_etcd-0_01234567-89ab-cdef-0123-456789abcdef"
SLOW = "stderr F 2026-11-29 18:00:00.1 W | wal: sync duration of 1.4s, expected less than 1s"
ELECTED = "stderr F raft2026/11/29 INFO: raft.node: 8e9e05c52164694d elected leader 8e9e05c52164694d at term 2"


def log(folder: Path, pod: str, *lines: str, attempt: int = 0) -> None:
    path = folder / pod / "etcd" / f"{attempt}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def at(age_s: float, zone: timezone = UTC) -> str:
    """A time as containerd writes it."""
    moment = datetime.now(zone) - timedelta(seconds=age_s)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def read(folder: Path, *words: str, shell: str = "sh") -> dict[EventKind, tuple[int, ...]]:
    script = load_script("recent-events").replace("/var/log/pods", str(folder))
    result = subprocess.run((shell, "-c", script, "recent-events", "300", *words), capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    results: tuple[RecentEvents, ...] = events.parse(SectionAnswer("events", result.stdout, "", 0))
    return {one.kind: one.ages_s for one in results}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_events_of_a_static_pod_are_read_from_its_log(tmp_path: Path, shell: str) -> None:
    indian = timezone(timedelta(hours=5, minutes=30))
    log(tmp_path, STATIC, f"{at(400)} {SLOW}", f"{at(60)} {SLOW}", f"{at(20, indian)} {SLOW}", f"{at(10)} {ELECTED}")
    log(tmp_path, ORDINARY, f"{at(5)} {SLOW}")
    result = read(tmp_path, "--", "etcd", shell=shell)
    assert set(result) == {EventKind.SLOW_WRITE, EventKind.ELECTED}
    for age, expected in zip(result[EventKind.SLOW_WRITE], (60, 20), strict=True):
        assert expected <= age <= expected + 5
    assert read(tmp_path, "--", "kube-scheduler") == {}


def test_only_the_newest_log_of_a_pod_is_read(tmp_path: Path) -> None:
    log(tmp_path, STATIC, f"{at(30)} {SLOW}")
    log(tmp_path, STATIC, f"{at(5)} {ELECTED}", attempt=1)
    old = tmp_path / STATIC / "etcd/0.log"
    subprocess.run(("touch", "-d", "1 hour ago", str(old)), check=True)
    assert set(read(tmp_path, "--", "etcd")) == {EventKind.ELECTED}


def test_a_log_with_every_request_hides_no_earlier_event(tmp_path: Path) -> None:
    """etcd with --warning-unary-request-duration=0 writes some hundred bytes for each request."""
    request = 'stderr F {"level":"warn","msg":"request stats","request content":"key:\\"/registry/leases/a\\" "}'
    elected = 'stderr F {"level":"info","logger":"raft","msg":"raft.node: d4e9a612 elected leader d4e9a612 at term 10"}'
    log(tmp_path, STATIC, f"{at(200)} {elected}", *(f"{at(100)} {request}" for _ in range(4000)))
    (age,) = read(tmp_path, "--", "etcd")[EventKind.ELECTED]
    assert 200 <= age <= 205


def test_the_sources_of_a_stacked_control_plane_are_units_and_static_pods() -> None:
    places = layout(INVENTORY)
    pods = pods_of(places, INVENTORY.hosts[0])
    words = events.sources(("haproxy.service", "keepalived.service", "kubelet.service"), pods)
    assert words == ("keepalived.service", "--", "etcd", "kube-controller-manager", "kube-scheduler")
    assert events.sources(("kubelet.service",), ()) == ()


def test_adverts_of_other_balancers_are_recognised_in_texts_of_every_version(tmp_path: Path) -> None:
    texts = (
        "bogus VRRP packet received on eth0 !!!",
        "receive an invalid ip number count associated with VRID!",
        "(vip_10_99_0_100) ip address associated with VRID 51 not present in MASTER advert : 10.99.0.100",
        "(vip_10_99_0_100) expected 1 VIPs but received 2",
    )
    log(tmp_path, STATIC, *(f"{at(20)} stderr F {text}" for text in texts), f"{at(9)} stderr F (vip) Backup State")
    result = read(tmp_path, "--", "etcd")
    assert {kind: len(ages) for kind, ages in result.items()} == {EventKind.FOREIGN_ADVERT: len(texts)}
