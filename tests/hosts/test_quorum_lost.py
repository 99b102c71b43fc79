"""A quorum that is lost with its data intact comes back by the finding's first fix, and by a bootstrap."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.hosts.membership import ALL, ETCDCTL, Members
from tests.hosts.program import lacking

THREE = ALL[:3]
pytestmark = pytest.mark.timeout(900)

UNRESTARTED = (
    "mkdir -p /run/systemd/system/etcd.service.d &&"
    " printf '[Service]\\nRestart=no\\n' >/run/systemd/system/etcd.service.d/once.conf && systemctl daemon-reload;"
)
FAULTS = {
    "stopped": ("systemctl stop etcd", "etcd on {host} is stopped since "),
    "killed": (f"{UNRESTARTED} systemctl kill -s KILL etcd", "etcd on {host} failed, stopped since "),
    "hung": ("systemctl kill -s STOP etcd", "etcd on {host} hangs: process "),
}


def pid(etcd: Members, host: str) -> str:
    return etcd.shell(host, "systemctl show -p MainPID --value etcd").strip()


def lose_quorum(etcd: Members, script: str) -> dict[str, Any]:
    """The finding once two of three members are down."""
    for host in THREE[1:]:
        etcd.shell(host, script)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for finding in etcd.status(*THREE)["findings"]:
            if finding["code"] == "etcd.quorum-lost":
                return dict(finding)
        time.sleep(1)
    raise AssertionError(etcd.status(*THREE)["findings"])


def data(etcd: Members) -> tuple[str, int, tuple[str, ...]]:
    """The cluster's ID, its revision, and each member's data directory by inode."""
    output = etcd.shell("cp1", f"{ETCDCTL} endpoint status -w json")
    header = json.loads(output)[0]["Status"]["header"]
    inodes = tuple(etcd.shell(host, "stat -c %i /var/lib/etcd/member").strip() for host in THREE)
    return str(header["cluster_id"]), int(header["revision"]), inodes


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_fix_starts_the_members_and_touches_no_data(etcd: Members, fault: str) -> None:
    etcd.stand(*THREE)
    etcd.shell("cp1", f"{ETCDCTL} put kept {fault}")
    before, survivor = data(etcd), pid(etcd, "cp1")
    script, sentence = FAULTS[fault]
    try:
        finding = lose_quorum(etcd, script)
        for host in THREE[1:]:
            assert any(line.startswith(sentence.format(host=host)) for line in finding["evidence"]), finding
            assert host in finding["summary"]
        assert finding["remedies"][-1]["last_resort"]
        first = finding["remedies"][0]["action"]
        assert first == {"name": "restart", "arguments": {"service": "etcd"}}
        result = etcd.of(*THREE)("run", first["name"], *first["arguments"].values(), "--yes")
        assert result.returncode == 0, result.stdout + result.stderr
    finally:
        for host in THREE[1:]:
            etcd.shell(host, "rm -rf /run/systemd/system/etcd.service.d; systemctl daemon-reload")
    etcd.check(*THREE)
    after = data(etcd)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] >= before[1]
    assert etcd.shell("cp2", f"{ETCDCTL} get kept --print-value-only") == f"{fault}\n"
    assert pid(etcd, "cp1") == survivor


@pytest.mark.parametrize("fault", ["stopped", "hung"])
def test_a_bootstrap_starts_what_is_down_and_restarts_no_member_that_answers(etcd: Members, fault: str) -> None:
    etcd.stand(*THREE)
    survivor, before = pid(etcd, "cp1"), data(etcd)
    lose_quorum(etcd, FAULTS[fault][0])
    result = etcd.of(*THREE)("run", "bootstrap", "--only", "etcd", "--yes")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
    etcd.check(*THREE)
    assert pid(etcd, "cp1") == survivor
    assert data(etcd)[2] == before[2]


def test_a_member_that_runs_is_not_restarted_while_the_quorum_is_lost(etcd: Members) -> None:
    etcd.stand(*THREE)
    lose_quorum(etcd, FAULTS["stopped"][0])
    try:
        refusal = etcd.refused(THREE, "restart", "etcd", "cp1")
        assert "cp2, cp3" in refusal
    finally:
        etcd.stand(*THREE)


def test_doctor_shows_the_state_and_not_a_socket_error(etcd: Members) -> None:
    etcd.stand(*THREE)
    lose_quorum(etcd, FAULTS["stopped"][0])
    program = etcd.of(*THREE)
    argv = (sys.executable, "-m", "haconsole", "doctor", str(program.inventory))
    result = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=program.environment)
    etcd.stand(*THREE)
    assert lacking(result.stdout, "etcd.quorum-lost", "stopped", "cp2, cp3", "1. run restart etcd") == []
    assert "Socket closed" not in result.stdout
