"""The tutorial's commands, as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from haconsole.lab.places import Places

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
NAME = "tutorial"


@pytest.fixture
def lab(places: Places) -> Iterator[Lab]:
    lab = Lab(NAME, places=places)
    yield lab
    lab.down()


def test_bare_hosts_and_their_inventory_come_from_the_tutorials_commands(lab: Lab, tmp_path: Path) -> None:
    ran = run("To start from bare hosts", tmp_path)
    assert "first.yaml: tutorial is valid: 3 hosts" in ran.stdout
    assert run("## 4. Clean up", tmp_path).returncode == 0
    assert not lab.inventory_path.exists()


def run(after: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The indented lines that follow a text of the tutorial, run by a shell on a lab of another name."""
    block = re.search(r"\n\n((?: {4}.*\n)+)", TUTORIAL.read_text().partition(after)[2])
    assert block
    commands = block[1].replace(".venv/bin/haconsole", f"{sys.executable} -m haconsole")
    commands = commands.replace("--name first", f"--name {NAME}")
    ran = subprocess.run(["sh", "-euxc", commands], cwd=folder, capture_output=True, text=True, timeout=180)
    assert ran.returncode == 0, ran.stderr
    return ran
