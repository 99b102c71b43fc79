"""The scripts that give VIPs up, run by this machine's shell with fakes of the programs that they call."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from haconsole.actions.steps import vip_scripts

VIP = "10.99.0.100"
LINES = f"""\
0 0 {VIP}:8443 10.99.0.1:1\n\t cubic lastsnd:800 lastrcv:804 lastack:800
0 0 {VIP}:8443 10.99.0.1:2\n\t cubic lastsnd:900 lastrcv:804 lastack:800
0 0 {VIP}:8443 10.99.0.1:3\n\t cubic lastsnd:600 lastrcv:604 lastack:600
0 7 {VIP}:8443 10.99.0.1:4\n\t cubic lastsnd:800 lastrcv:804 lastack:800
0 0 [::ffff:{VIP}]:8443 [::ffff:10.99.0.1]:5\n\t cubic lastsnd:70000 lastrcv:70000
0 0 {VIP}:8443 10.99.0.1:6\n\t cubic lastrcv:404
"""
"""Idle; requested and not answered; answered just now; not yet arrived; idle; answered this very moment."""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder of fake commands that log their calls in ``calls``; the VIP is here until the down file exists."""
    stand_in(tmp_path, "ip", f'[ -e "{tmp_path}/down" ] || echo "2: eth0 inet {VIP}/24"')
    stand_in(tmp_path, "nft", f'echo "nft $*" >>{tmp_path}/calls; [ "$1" != -f ] || cat >>{tmp_path}/rules')
    stand_in(tmp_path, "ss", f'case $* in *-K*) echo "ss $*" >>{tmp_path}/calls ;; esac')
    stand_in(tmp_path, "mv", f'echo moved >>{tmp_path}/calls; exec /bin/mv "$@"')
    return tmp_path


def stand_in(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def run(host: Path, script: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    path = {"PATH": f"{host}:/usr/bin:/bin"}
    argv = ("bash", "-ec", script.strip(), "vip", *words)
    return subprocess.run(argv, capture_output=True, text=True, env=path, input=stdin, timeout=30)


def test_a_connection_is_idle_when_the_server_spoke_last_and_all_of_it_arrived(host: Path) -> None:
    head, *_ = vip_scripts.LEAVE.partition("trap ")
    result = run(host, f"{head}\nidle_peers", "8443", "keepalived.service", stdin=LINES)
    assert result.stdout == "dst 10.99.0.1:1 or dst [::ffff:10.99.0.1]:5\n", result.stderr


def test_connections_are_held_off_before_the_vip_goes_and_let_in_after(host: Path) -> None:
    result = run(host, vip_scripts.GIVE_UP, "8443", f"{host}/down", "the reason", VIP, "fd00::1")
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()] == [VIP, "fd00::1"]
    assert (host / "down").read_text() == "the reason\n"
    calls = (host / "calls").read_text().splitlines()
    assert calls == [
        *("nft -f -", "moved"),
        f"ss -K -Htn state connected src {VIP}",
        "ss -K -Htn state connected src [fd00::1]",
        "nft delete table inet haconsole_hold",
    ]
    rules = (host / "rules").read_text()
    assert f"add element inet haconsole_hold v4 {{ {VIP} timeout 30s }}" in rules
    assert "add element inet haconsole_hold v6 { fd00::1 timeout 30s }" in rules


def test_a_host_without_nft_reports_it(host: Path) -> None:
    (host / "nft").unlink()
    script = vip_scripts.GIVE_UP.replace("PATH=$PATH:/usr/sbin:/sbin", f"PATH={host}:/bin")
    result = run(host, script, "8443", f"{host}/down", "the reason", VIP)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("there is no nft here: what is begun in the last moment is cut off\n")


def test_a_host_without_a_vip_has_none_to_release(host: Path) -> None:
    (host / "down").touch()
    result = run(host, vip_scripts.MAKE_WAY, "8443", f"{host}/other", "the reason", VIP)
    assert (result.returncode, result.stdout) == (0, "no VIP is here\n")
    assert not (host / "calls").exists()


@pytest.mark.usefixtures("posix_shell")
@pytest.mark.parametrize(("content", "remains"), [("new\n", False), ("old\n", False), ("by hand\n", True)])
def test_a_down_file_of_this_or_an_earlier_version_is_removed(tmp_path: Path, content: str, remains: bool) -> None:
    file = tmp_path / "down"
    file.write_text(content)
    for script in (vip_scripts.STAND_AGAIN, vip_scripts.STANDS_AGAIN):
        argv = ("sh", "-ec", script.strip(), "vip", str(file), "new", "old")
        assert subprocess.run(argv, timeout=10).returncode == 0
    assert file.exists() == remains


@pytest.mark.usefixtures("posix_shell")
def test_a_down_file_that_is_left_fails_the_check(tmp_path: Path) -> None:
    file = tmp_path / "down"
    file.write_text("old\n")
    argv = ("sh", "-ec", vip_scripts.STANDS_AGAIN.strip(), "vip", str(file), "new", "old")
    assert subprocess.run(argv, timeout=10).returncode == 1
