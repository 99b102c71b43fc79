"""Programs on a host that do not end in time: the fact is late, and not empty."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.inventory.schema import Keepalived
from haconsole.probes.balancers import keepalived
from haconsole.probes.script import ARGV, answers, render
from haconsole.scripts import load_script
from tests.fakes.script_host import Place

pytestmark = pytest.mark.usefixtures("posix_shell")


@pytest.fixture
def late(tmp_path: Path) -> Place:
    """A host on which `timeout` ends each program that is named in the file `slow`."""
    place = Place(tmp_path)
    place.program("timeout", f'shift; ! grep -qx "${{1##*/}}" {tmp_path}/slow || exit 124; exec "$@"')
    return place


def run(place: Place, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The script as a host runs it, where a command that fails does not end it."""
    argv = ("sh", "-c", load_script(script), script, *words)
    path = {"PATH": f"{place.folder}/bin:{os.environ['PATH']}"}
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, env=path, check=False)


@pytest.mark.parametrize(
    ("script", "words", "program"),
    [
        ("unit-setup", ("etcd.service",), "systemctl"),
        ("recent-events", ("300", "etcd.service", "--"), "journalctl"),
        ("units", ("Id", "etcd.service"), "systemctl"),
    ],
)
def test_an_answer_of_a_program_that_was_ended_is_late(
    late: Place, script: str, words: tuple[str, ...], program: str
) -> None:
    late.program(program, "echo Id=etcd.service; echo LoadState=loaded; echo")
    late.file("slow", "")
    assert run(late, script, *words).returncode == 0
    late.file("slow", f"{program}\n")
    assert run(late, script, *words).returncode == 124


def test_a_configuration_check_that_was_ended_is_no_valid_file(late: Place) -> None:
    file = late.file("haproxy.cfg", "x")
    late.program("haproxy")
    late.file("slow", "")
    assert run(late, "configuration-checks", str(file), "").stdout.startswith(f"haproxy valid {file}")
    late.file("slow", "haproxy\n")
    assert run(late, "configuration-checks", str(file), "").returncode == 124


def test_a_state_of_keepalived_that_could_not_be_read_is_late(late: Place) -> None:
    config = late.file("keepalived.conf", "vrrp_instance VI_1 {\n}\n")
    late.program("keepalived")
    late.program("systemctl", "echo ActiveState=active; echo InvocationID=ab")
    late.program("journalctl", "echo '(VI_1) Entering FAULT STATE'")
    script = render((keepalived.section(Keepalived(config_file=str(config), down_file=str(late.folder / "down"))),))
    results = []
    for slow in ("", "journalctl\n", "systemctl\n"):
        late.file("slow", slow)
        path = {"PATH": f"{late.folder}/bin:{os.environ['PATH']}"}
        result = subprocess.run(ARGV, input=script, capture_output=True, timeout=30, env=path)
        (answer,) = answers(result.stdout.decode())
        results.append((answer.status, "Entering FAULT" in answer.output))
    assert results == [(0, True), (124, False), (124, False)]
