"""keepalived's own check of its configuration, by the status that it ends with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Keepalived
from haconsole.probes.hosts.system import checks_section, parse_checks
from haconsole.probes.script import ARGV, answers, render
from tests.fakes.cluster import INVENTORY


@pytest.mark.parametrize(("status", "valid"), [(0, True), (6, True), (5, False), (4, False)])
def test_a_file_without_script_security_is_loaded_all_the_same(tmp_path: Path, status: int, valid: bool) -> None:
    """kubeadm's guide has none; keepalived warns of it with status 6, and of errors with others."""
    config, program = tmp_path / "keepalived.conf", tmp_path / "keepalived"
    config.touch()
    program.write_text(f"#!/bin/sh\necho SECURITY VIOLATION\nexit {status}\n")
    program.chmod(0o755)
    inventory = msgspec.structs.replace(INVENTORY, keepalived=Keepalived(config_file=str(config)))
    script = render((checks_section(layout(inventory)),))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    result = subprocess.run(ARGV, input=script, capture_output=True, timeout=30, env=path)
    (answer,) = answers(result.stdout.decode())
    checks = {check.program: check.valid for check in parse_checks(answer)}
    assert checks["keepalived"] is valid
