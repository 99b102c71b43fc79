"""The doctor on kubeadm hosts: an inventory from `discover`, the first finding of a failure, and the end of it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from haconsole.diagnosis.candidate import concerns
from tests.hosts.complete_doctor import complete_doctor
from tests.hosts.kubeadm_cluster import wait_healthy
from tests.hosts.program import Program

NOTES = {"balancer.foreign", "balancer.no-socket"}
"""Codes that are always reported of balancers that this console did not set up."""
NOTICED_S, HEALED_S = 150.0, 300.0


def discovered(program: Program, address: str, to: Path) -> Path:
    """The inventory that `discover` prints of the host at `address`."""
    folder = program.lab.inventory_path.parent
    way = ["-i", str(folder / "key"), "--known-hosts", str(folder / "known_hosts"), "--sudo", "passwordless"]
    bastion = next((host for host in program.lab.spec.hosts if host.is_bastion), None)
    way += ["-J", f"ops@{bastion.address}"] if bastion else []
    result = program.verb("discover", f"ops@{address}", *way)
    assert result.returncode == 0, result.stdout + result.stderr
    to.write_text(result.stdout)
    return to


def problems(program: Program) -> list[dict[str, Any]]:
    """The findings, without those that are there on the healthy cluster."""
    return [finding for finding in complete_doctor(program)["findings"] if finding["code"] not in NOTES]


def first_finding(program: Program, host: str, code: str, holds: str = "") -> dict[str, Any]:
    """Wait until a finding of this code, with this text, is the first one about the host, or the first of all.

    Lateness is left out: the hosts share one machine, which may be busy with anything.
    """
    end, readings = time.monotonic() + NOTICED_S, list[dict[str, Any]]()
    while time.monotonic() < end:
        readings = [one for one in problems(program) if concerns(one["subject"], host) and one["code"] != "host.slow"]
        if readings and readings[0]["code"] == code and holds in json.dumps(readings[0]):
            return readings[0]
        time.sleep(1.0)
    pytest.fail(f"not first within {NOTICED_S:g} s: {[(one['code'], one['subject']) for one in readings]}")


def no_advice_that_cannot_be_followed(finding: dict[str, Any]) -> None:
    """No unit that is not there, and no action that is refused on this cluster."""
    for remedy in finding["remedies"]:
        assert not re.search(r"journalctl -u (etcd|kube-)", remedy["text"]), remedy
        called = remedy["action"] and remedy["action"]["name"]
        assert called not in ("unmask", "rejoin"), remedy


def healed(program: Program) -> None:
    wait_healthy(program.lab, within_s=HEALED_S)
    end = time.monotonic() + HEALED_S
    while readings := [one for one in problems(program) if one["code"] != "host.slow"]:
        assert time.monotonic() < end, [(one["code"], one["subject"], one["summary"]) for one in readings]
        time.sleep(2.0)
