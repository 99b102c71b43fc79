"""The preflight scripts run for real: silent when all is well, else they print the problem."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from haconsole.actions.bootstrap import scripts
from haconsole.actions.kubeadm.balancer_outside import RESOLVES

pytestmark = pytest.mark.usefixtures("posix_shell")

MARK = "# haconsole: cluster lab"


def run(script: str, *words: str | Path) -> tuple[int, str]:
    argv = ("sh", "-c", script, "check", *map(str, words))
    result = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    return result.returncode, result.stderr.strip()


def program(folder: Path, output: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\necho '{output}' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("output", "atleast", "series", "ok"),
    [
        ("etcd Version: 3.4.23", "3.4", "", True),
        ("etcd Version: 3.10.0", "3.4", "", True),
        ("etcd Version: 3.3.25", "3.4", "", False),
        ("Kubernetes v1.20.2", "1.20", "1.20.2", True),
        ("Kubernetes v1.20.2", "1.20", "1.20", True),
        ("Kubernetes v1.20.2", "1.20", "1.2", False),
        ("Kubernetes v1.31.0", "1.20", "1.20", False),
        ("Keepalived v2.2.7 (01/16,2022)", "2.0", "", True),
        ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/", "2.0", "", True),
    ],
)
def test_program_versions(tmp_path: Path, output: str, atleast: str, series: str, ok: bool) -> None:
    status, report = run(scripts.PROGRAM, atleast, series, program(tmp_path, output))
    assert (status == 0) == ok
    assert ok or "is version" in report


def test_a_program_that_is_missing(tmp_path: Path) -> None:
    assert run(scripts.PROGRAM, "1", "", tmp_path / "nothing") == (1, f"{tmp_path}/nothing is not there")


def test_a_name_without_an_address() -> None:
    assert run(RESOLVES, "localhost") == (0, "")
    assert run(RESOLVES, "no-such-host.invalid") == (1, "no-such-host.invalid has no address")


@pytest.mark.skipif(shutil.which("ss") is None, reason="ss (iproute2) is not installed here")
def test_a_port_in_use_is_reported_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        status, output = run(scripts.PORTS, f"{port}=etcd.service")
    assert status == 1
    assert output.startswith(f"port {port} is held by ")
    assert run(scripts.PORTS, f"{port}=etcd.service") == (0, "")


@pytest.mark.parametrize(
    ("mode", "value", "status"),
    [("Enforcing", "on", 0), ("Enforcing", "off", 1), ("Permissive", "off", 0)],
)
def test_selinux_where_it_enforces(tmp_path: Path, mode: str, value: str, status: int) -> None:
    for name, message in (("getenforce", mode), ("getsebool", f"$1 --> {value}")):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{message}"\n')
        (tmp_path / name).chmod(0o755)
    script = f"PATH={tmp_path}:$PATH\n{scripts.CONFINED}"
    assert run(script, "haproxy_connect_any") == (status, "")


def test_disk_room(tmp_path: Path) -> None:
    there = tmp_path / "member"
    assert run(scripts.DISK, tmp_path / "a" / "b", "1", there) == (0, "")
    status, output = run(scripts.DISK, tmp_path / "a" / "b", str(1 << 50), there)
    assert status == 1
    assert output.endswith("MiB wanted")
    there.mkdir()
    assert run(scripts.DISK, tmp_path, str(1 << 50), there) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed here")
def test_a_port_that_refuses_is_reachable_and_a_name_that_is_none_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_port = str(listener.getsockname()[1])
        assert run(scripts.REACH, "127.0.0.1", open_port, "cp1") == (0, "")
    assert run(scripts.REACH, "127.0.0.1", open_port, "cp1", "127.0.0.1", "1", "cp1") == (0, "")
    status, output = run(scripts.REACH, "host.invalid", "1", "cp2", "127.0.0.1", "1", "cp1")
    assert status == 1
    assert output.startswith("cp2 (host.invalid) port 1:")


def test_data_needs_a_configuration_that_vouches_for_it(tmp_path: Path) -> None:
    data, config = tmp_path / "member", tmp_path / "etcd.env"
    assert run(scripts.FOREIGN_DATA, data, config, MARK)[0] == 0
    data.mkdir()
    assert run(scripts.FOREIGN_DATA, data, config, MARK)[0] == 1
    config.write_text(f"{MARK}2\nETCD_NAME=cp1\n")
    assert run(scripts.FOREIGN_DATA, data, config, MARK)[0] == 1
    config.write_text(f"{MARK}\nETCD_NAME=cp1\n")
    assert run(scripts.FOREIGN_DATA, data, config, MARK)[0] == 0


def test_files_of_another_installation_are_named(tmp_path: Path) -> None:
    ours, theirs, none = tmp_path / "ours", tmp_path / "theirs", tmp_path / "none"
    ours.write_text(f"#!/bin/bash\n{MARK}\n")
    assert run(scripts.FOREIGN_FILES, MARK, ours, none) == (0, "")
    theirs.write_text("[Unit]\n")
    assert run(scripts.FOREIGN_FILES, MARK, ours, theirs, none) == (1, str(theirs))
