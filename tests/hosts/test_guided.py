"""A guided action in a real terminal on bare hosts: chosen, filled in, read, agreed to, watched, all by keys."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program
from tests.hosts.terminal import Terminal
from tests.hosts.test_console import shows


async def test_etcd_is_installed_through_the_screen(make_lab: LabMaker, tmp_path: Path) -> None:
    program = Program(make_lab(), tmp_path)
    argv = [sys.executable, "-m", "haconsole", str(program.inventory)]
    with Terminal(argv, tmp_path, program.environment, (80, 24)) as console:
        await shows(console, r"3/3 reached")
        console.press("a")
        await shows(console, r"Bootstrap the cluster")
        console.press("boots")
        await shows(console, r"actions\s+/boots")
        console.press("Enter")
        await shows(console, r"only\s+◀? *\(not set\)")
        console.press("e")
        await shows(console, r"only\s+◀ etcd ▶")
        console.press("Enter")
        await shows(console, r"plan: bootstrap\s+\d+ steps on cp1, cp2, cp3", within_s=60)
        console.press("r")
        await shows(console, r"carry out bootstrap on \S+\?")
        console.press(program.lab.spec.name, "Enter")
        await shows(console, r"run: bootstrap\s+● done after \d+ s", within_s=180)
        console.press("w")
        await shows(console, r"etcd: inactive → active")
        console.press("Escape", "Escape")
        await shows(console, r"etcd\s+● 3/3 can lose 1")
        console.press("q")
