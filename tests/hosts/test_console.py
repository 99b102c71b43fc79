"""The console in a real terminal on a real cluster: changes on the hosts appear on it without a key pressed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.lab.drills import break_lab, heal
from tests.fakes.waiting import eventually
from tests.hosts.program import Program
from tests.hosts.terminal import Terminal

KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")
HOSTS = ("cp1", "cp2", "cp3")


@pytest.fixture
def console(installed: Program, tmp_path: Path) -> Iterator[Terminal]:
    argv = [sys.executable, "-m", "haconsole", str(installed.lab.inventory_path)]
    with Terminal(argv, tmp_path, installed.environment, (80, 24)) as terminal:
        yield terminal


async def shows(console: Terminal, pattern: str, within_s: float = 30) -> None:
    """Look five times a second until the pattern is on the screen."""
    try:
        async with asyncio.timeout(within_s):
            while re.search(pattern, console.screen()) is None:
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"{pattern!r} did not show within {within_s:g} s:\n{console.screen()}")


def run(program: Program, host: str, *argv: str) -> str:
    result = program.lab.exec(host, *argv)
    assert result.returncode == 0, f"{host}: {argv}: {result.stdout}{result.stderr}"
    return result.stdout


def owner(program: Program) -> str:
    vip = program.lab.spec.vip
    (holder,) = [host for host in HOSTS if f" {vip}/" in run(program, host, "ip", "-4", "-o", "address")]
    return holder


def holder(program: Program, name: str) -> str:
    lease = json.loads(run(program, "cp1", *KUBECTL, "-n", "kube-system", "get", "lease", name, "-o", "json"))
    return str(lease["spec"]["holderIdentity"]).partition("_")[0]


def leader(program: Program) -> str:
    script = (
        "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/pki/ca.crt"
        " --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key endpoint status --cluster -w json"
    )
    statuses = json.loads(run(program, "cp1", "sh", "-c", script))
    members = json.loads(run(program, "cp1", "sh", "-c", script.replace("endpoint status --cluster", "member list")))
    names = {member["ID"]: member["name"] for member in members["members"]}
    return str(names[statuses[0]["Status"]["leader"]])


async def test_the_panes_agree_with_the_tools_on_the_hosts(installed: Program, console: Terminal) -> None:
    await shows(console, r"● HEALTHY")
    await shows(console, rf"{leader(installed)}\s+★ leader")
    await shows(console, rf"VIP owner\s+● {owner(installed)}")
    await shows(console, rf"scheduler\s+{holder(installed, 'kube-scheduler')}")
    await shows(console, r"3/3 up")


async def test_quit_leaves_no_process(installed: Program, console: Terminal) -> None:
    await shows(console, r"● HEALTHY")
    console.press("q")
    await eventually(lambda: console.ended_with() is not None, within_s=10)
    assert console.ended_with() == 0


async def test_a_stopped_keepalived_moves_the_vip_on_screen(installed: Program, console: Terminal) -> None:
    await shows(console, r"● HEALTHY")
    before = owner(installed)
    others = "|".join(host for host in HOSTS if host != before)
    run(installed, before, "systemctl", "stop", "keepalived")
    try:
        await shows(console, rf"VIP owner\s+\S*\s*({others})", within_s=10)
        await shows(console, rf"keepalived is not running on {before}")
    finally:
        run(installed, before, "systemctl", "start", "keepalived")
    await shows(console, r"● HEALTHY")


async def test_a_killed_etcd_leader_is_down_and_another_leads(installed: Program, console: Terminal) -> None:
    await shows(console, r"● HEALTHY")
    before = leader(installed)
    others = "|".join(host for host in HOSTS if host != before)
    run(installed, before, "sh", "-c", "systemctl kill --signal=KILL etcd; systemctl stop etcd")
    try:
        await shows(console, rf"({others})\s+★ leader")
        await shows(console, r"2/3 can lose 0")
        await shows(console, rf"etcd member {before} does not answer")
    finally:
        run(installed, before, "systemctl", "start", "etcd")
    await shows(console, r"● HEALTHY", within_s=60)


async def test_a_stopped_apiserver_is_down_on_every_balancer(installed: Program, console: Terminal) -> None:
    await shows(console, r"● HEALTHY")
    run(installed, "cp2", "systemctl", "stop", "--no-block", "kube-apiserver")
    try:
        await shows(console, r"cp2\s+✖ DOWN 3/3")
        await shows(console, r"the apiserver on cp2 does not answer")
    finally:
        run(installed, "cp2", "systemctl", "kill", "--signal=KILL", "kube-apiserver")
        run(installed, "cp2", "systemctl", "start", "kube-apiserver")
    await shows(console, r"● HEALTHY", within_s=60)


async def test_a_killed_leading_scheduler_gives_its_lock_away(installed: Program, console: Terminal) -> None:
    await shows(console, r"● HEALTHY")
    before = holder(installed, "kube-scheduler")
    others = "|".join(host for host in HOSTS if host != before)
    run(installed, before, "sh", "-c", "systemctl kill --signal=KILL kube-scheduler; systemctl stop kube-scheduler")
    try:
        await shows(console, rf"scheduler\s+({others})", within_s=40)
        await shows(console, rf"kube-scheduler is not running on {before}")
    finally:
        run(installed, before, "systemctl", "start", "kube-scheduler")
    await shows(console, r"● HEALTHY", within_s=60)


CAUSE_WITHIN_S = 60
"""From a fault to its cause on the screen."""
REFRESH = "C-r"
"""Reads all facts now; those that are read seldom, such as the times of files, are otherwise minutes old."""
FOUND_BY = {
    "etcd-member-down": ("f", r"etcd on {host} is stopped since"),
    "apiserver-down": ("f", r"kube-apiserver on {host} (failed, |is )stopped since"),
    "etcd-suspended": ("f", r"etcd on {host} is suspended"),
    "etcd-peer-port-blocked": ("f", r"connections between {host} and \S+ \S+ fail on port 2380"),
    "host-down": ("f", r"{host} cannot be reached over SSH: timed out"),
    "route-blackhole": ("f", r"a route of {host} drops all packets to"),
    "loopback-down": ("f", r"the interface lo of {host} is down"),
    "etcd-key-unreadable": ("f", r"/etc/etcd/pki/server.key cannot be read"),
    "etcd-settings-stale": (f"{REFRESH} f", r"etcd on {host} runs with older settings than those in its files"),
    "inodes-full": ("f", r"{host}: /var/lib/etcd-snapshots has 0 of \d+ inodes left"),
}
"""Keys and the cause that they show, of faults that `lab break --random` drew and that were found on the screen."""


EACH_TIME = ("etcd-member-down", "apiserver-down", "etcd-suspended", "etcd-peer-port-blocked", "host-down")


@pytest.mark.parametrize(
    "scenario", [pytest.param(each, marks=() if each in EACH_TIME else pytest.mark.nightly) for each in FOUND_BY]
)
async def test_the_cause_of_a_fault_is_on_the_screen_within_a_minute(
    installed: Program, console: Terminal, scenario: str
) -> None:
    await shows(console, r"● HEALTHY", within_s=60)
    keys, cause = FOUND_BY[scenario][0].split(), FOUND_BY[scenario][1]
    (fault,) = break_lab(installed.lab, scenario)
    broken_at = time.monotonic()
    refresh = [key for key in keys if key == REFRESH]
    try:
        if refresh:
            console.press(*refresh)
        await shows(console, r"findings\s+\d (warning|critical)", within_s=CAUSE_WITHIN_S)
        console.press(*(key for key in keys if key != REFRESH))
        remaining_s = CAUSE_WITHIN_S - (time.monotonic() - broken_at)
        await shows(console, cause.format(host=fault.host), within_s=remaining_s)
        await shows(console, r"fix( \(m\))?: ")
    finally:
        heal(installed.lab)
    console.press("Escape", *refresh)
    await shows(console, r"● HEALTHY", within_s=90)
