"""A guided action in a real terminal on bare hosts: chosen, filled in, read, agreed to, watched, all by keys."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

import pytest

from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program
from tests.hosts.terminal import Terminal
from tests.hosts.test_console import HOSTS, run, shows


async def test_etcd_is_installed_through_the_screen(make_lab: LabMaker, tmp_path: Path) -> None:
    program = Program(make_lab(), tmp_path)
    argv = [sys.executable, "-m", "haconsole", str(program.inventory)]
    with Terminal(argv, tmp_path, program.environment, (80, 24)) as console:
        await shows(console, r"3/3 reached")
        console.press("a")
        await shows(console, r"Bootstrap the cluster")
        console.press("boots")
        await shows(console, r"^\s*boots\s")
        console.press("Enter")
        await shows(console, r"only\s+◀? *\(not set\)")
        console.press("e")
        await shows(console, r"only\s+◀ etcd ▶")
        console.press("Enter")
        await shows(console, r"plan: bootstrap\s+\d+ (steps on cp1, cp2, cp3|will change something)", within_s=60)
        console.press("r")
        await shows(console, r"run bootstrap on \S+\?")
        console.press("y")
        await shows(console, r"● done after \d+ s: \d+ changed", within_s=180)
        await shows(console, r"etcd: inactive → active")
        console.press("Escape", "Escape")
        await shows(console, r"etcd\s+● 3/3 can lose 1")
        console.press("q")


@pytest.mark.timeout(900)
async def test_a_bare_cluster_is_installed_one_step_at_a_time(make_lab: LabMaker, tmp_path: Path) -> None:
    """Every step is released by `n` only, at a person's pace: many of them are held for seconds before it."""
    program = Program(make_lab(), tmp_path)
    argv = [sys.executable, "-m", "haconsole", str(program.inventory)]
    with Terminal(argv, tmp_path, program.environment, (80, 24)) as console:
        await shows(console, r"3/3 reached")
        await planned(console, "bootstrap", "boots")
        console.press("t", "r")
        await shows(console, r"run bootstrap on \S+\?")
        console.press("y")
        presses = await stepped_through(console)
        assert presses > 50
        assert "● done" in console.screen()
        console.press("Escape", "Escape")
        await shows(console, r"● HEALTHY", within_s=120)


@pytest.mark.nightly
@pytest.mark.timeout(900)
async def test_a_cluster_is_installed_and_a_fault_fixed_without_leaving_the_console(
    make_lab: LabMaker, tmp_path: Path
) -> None:
    program = Program(make_lab(), tmp_path)
    argv = [sys.executable, "-m", "haconsole", str(program.inventory)]
    with Terminal(argv, tmp_path, program.environment, (80, 24)) as console:
        await shows(console, r"3/3 reached")
        await bootstrapped(console)
        console.press("Escape", "Escape")
        await shows(console, r"● HEALTHY", within_s=120)

        drain = "echo 'set server k8s_server_6443/cp2 state drain' | socat stdio /run/haproxy/admin.sock"
        for host in HOSTS:
            run(program, host, "sh", "-c", drain)
        await shows(console, r"warning\s+.*cp2")
        console.press("f")
        await shows(console, r"Put a control plane back in service \(host = cp2\)")
        console.press("m")
        await shows(console, r"host\s+◀ cp2 ▶")
        console.press("Enter")
        await shows(console, r"plan: ready\s+\d+ steps?", within_s=60)
        console.press("r")
        await shows(console, r"run ready on \S+\?")
        console.press("y")
        await shows(console, r"● done after \d+ s: \d+ changed", within_s=120)
        console.press("Escape", "Escape")
        await shows(console, r"● HEALTHY", within_s=60)

        console.press("h")
        await shows(console, r"ready\s+● done(?s:.*)bootstrap\s+● done")
        console.press("Escape", "q")


async def bootstrapped(console: Terminal) -> None:
    """Install the cluster from the menu, the first steps explained and released one by one."""
    await planned(console, "bootstrap", "boots")
    console.press("t", "r")
    await shows(console, r"run bootstrap on \S+\?")
    console.press("y")
    for _ in range(2):
        await shows(console, r"This step waits for you", within_s=60)
        await shows(console, r"Explanation")
        console.press("n")
    console.press("p")
    await shows(console, r"● done after \d+ s: \d+ changed", within_s=600)
    await shows(console, r"kube-apiserver: inactive → active")


async def planned(console: Terminal, action: str, typed: str) -> None:
    """The plan of an action without arguments, chosen by typing."""
    console.press("a")
    await shows(console, r"Bootstrap the cluster")
    console.press(typed)
    await shows(console, rf"^\s*{typed}\s")
    console.press("Enter")
    await shows(console, r"only\s+◀? *\(not set\)")
    console.press("Enter")
    await shows(console, rf"plan: {action}\s+\d+ steps?", within_s=60)


async def stepped_through(console: Terminal) -> int:
    """Press `n` for each waiting step, every tenth time after three seconds, until the result shows; how often."""
    presses, end = 0, time.monotonic() + 400
    while not re.search(r"[●✖?▲] \w+ after \d+ s: \d+ changed", console.screen()):
        assert time.monotonic() < end, f"no end after {presses} presses:\n{console.screen()}"
        if "This step waits for you" in console.screen():
            await asyncio.sleep(3 if presses % 10 == 0 else 0.3)
            console.press("n")
            presses += 1
        await asyncio.sleep(0.3)
    return presses
