"""A fault on real hosts is found as its cause, and its first remedy or a person makes the cluster healthy again."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haconsole.lab.drills import break_lab, heal
from haconsole.lab.lab import Lab
from tests.hosts.apt_repository import package_files
from tests.hosts.conftest import LabMaker
from tests.hosts.drawn import draw_third
from tests.hosts.expectations import FOUND_WITHIN_S, ONLY_NIGHTLY, SCENARIOS, Expectation
from tests.hosts.program import Program

pytestmark = pytest.mark.timeout(1800)

HEALTHY_WITHIN_S = 120.0
OVERLOAD = {"host.slow", "etcd.slow-disk"}
NEVER = {"etcd.member-down", "apiserver.down", "lease.expired", "vip.owner-unhealthy"}
"""Codes that a query which could not be made must not lead to."""


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    lab = make_lab_for_session(hosts=3)
    folder = tmp_path_factory.mktemp("doctor")
    program = Program(lab, folder, inventory_with(lab, package_files(lab, "iproute2", folder), folder))
    result = program("run", "bootstrap", "--yes")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    until_healthy(program)
    return program


def inventory_with(lab: Lab, packages: Path, folder: Path) -> Path:
    """The lab's inventory with a folder of package files."""
    path = folder / "inventory.yaml"
    path.write_text(f"{lab.inventory_path.read_text()}\npreparation: {json.dumps({'packages': str(packages)})}\n")
    return path


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, str, float, str]]]:
    """Scenario, code, seconds to the finding, remedy: printed at the end."""
    rows: list[tuple[str, str, float, str]] = []
    yield rows
    for scenario, code, seconds, remedy in rows:
        print(f"{scenario:24} {code:24} {seconds:6.1f} s  {remedy}")


def findings(program: Program, *, complete: bool = True) -> list[dict[str, Any]]:
    more = ("--complete",) if complete else ()
    return list(json.loads(program.verb("doctor", str(program.inventory), "--json", *more).stdout)["findings"])


def until_found(program: Program, expected: Expectation) -> tuple[list[dict[str, Any]], float]:
    """The findings once one code is the only one, and the seconds until it was first.

    Findings that this machine is busy may follow it. Every second look ends after a few seconds with what is known:
    on a busy machine some facts take longer.
    """
    began, seconds, complete = time.monotonic(), 0.0, False
    while True:
        now = findings(program, complete=complete)
        complete = not complete
        if now and now[0]["code"] == expected.code:
            seconds = seconds or time.monotonic() - began
            if all(one["code"] in {*OVERLOAD, *expected.companions} for one in now[1:]):
                return now, seconds
        assert time.monotonic() - began < expected.within_s, [(one["code"], one["summary"]) for one in now]


def named(program: Program, finding: dict[str, Any]) -> tuple[str, ...]:
    """The first file that may be deleted, and the confirmation."""
    name = next(result[1] for line in finding["evidence"] if (result := re.match("may be deleted: ([^,]+),", line)))
    return (name, "--confirm", program.lab.name)


def carry_out(program: Program, finding: dict[str, Any], number: int, *more: str) -> None:
    """Run the command of a remedy as the doctor prints it, with the answers of a person."""
    line: str = finding["actions"][number]
    verb, action, *words = shlex.split(line.removesuffix(": " + finding["remedies"][number]["text"]))
    result = program(verb, action, *words, *more, *(() if more else ("--yes",)))
    assert result.returncode == 0, line + result.stdout[-3000:] + result.stderr[-3000:]


def until_healthy(program: Program) -> None:
    """No finding is left; that this machine is busy may be one while its load shows that."""
    end = time.monotonic() + HEALTHY_WITHIN_S
    while now := [one for one in findings(program) if one["code"] not in OVERLOAD or not is_busy()]:
        assert time.monotonic() < end, now


def is_busy() -> bool:
    """Four processes wait for each processor."""
    return os.getloadavg()[0] > 4 * (os.cpu_count() or 1)


@pytest.mark.parametrize("scenario", draw_third(SCENARIOS, never=ONLY_NIGHTLY))
def test_the_cause_comes_first_and_its_remedy_works(
    cluster: Program, table: list[tuple[str, str, float, str]], scenario: str
) -> None:
    expected = SCENARIOS[scenario]
    try:
        break_lab(cluster.lab, scenario)
        match, seconds = until_found(cluster, expected)
        if expected.code in ("probe.failed", "host.unreachable"):
            text = json.dumps(match)
            assert not [code for code in NEVER if code in text], text
            assert match[0]["subject"] in match[0]["summary"], text
        remedy = match[0]["remedies"][0]
        table.append((scenario, expected.code, seconds, match[0]["actions"][0]))
        if expected.by_hand:
            assert remedy["action"] is None, remedy
            heal(cluster.lab)
        elif expected.printed:
            host, _, line = remedy["text"].removeprefix("on ").partition(": ")
            result = cluster.lab.exec(host, "sh", "-ec", line)
            assert result.returncode == 0, line + result.stderr
        else:
            for number in range(2 if expected.removes else 1):
                carry_out(cluster, match[0], number, *(named(cluster, match[0]) if expected.names else ()))
        until_healthy(cluster)
    finally:
        heal(cluster.lab)
        until_healthy(cluster)


def codes_and_hosts(findings: list[dict[str, Any]], *, fault: str) -> list[tuple[str, str]]:
    """The code of each finding with its host, which may follow a component's name.

    While this machine is busy, other hosts than the broken one may be slow too.
    """
    listed = sorted((one["code"], one["subject"].rpartition("@")[2]) for one in findings)
    return [one for one in listed if one[0] not in OVERLOAD or one[1] == fault or not is_busy()]


BROKEN_PROBES = {
    "sudo-password": "sudo",
    "login-output": "Welcome to this host",
    "sessions-limited": "session",
    "program-missing": "ip",
    "api-unauthorized": "401",
    "host-slow": "late",
}
"""Scenarios in which a host cannot be queried about something, and a part of the text that names the cause."""


@pytest.mark.parametrize("scenario", draw_third(BROKEN_PROBES))
def test_a_real_fault_is_found_beside_a_host_that_cannot_be_queried(cluster: Program, scenario: str) -> None:
    code = SCENARIOS[scenario].code
    try:
        break_lab(cluster.lab, scenario, "cp2")
        break_lab(cluster.lab, "haproxy-stale", "cp3")
        end = time.monotonic() + FOUND_WITHIN_S
        expected = sorted(((code, "cp2"), ("service.stale-config", "cp3")))
        while codes_and_hosts(now := findings(cluster), fault="cp2") != expected:
            assert time.monotonic() < end, now
        (failed,) = (one for one in now if one["code"] == code)
        assert BROKEN_PROBES[scenario] in json.dumps(failed), failed
        assert failed["subject"] == "cp2"
    finally:
        heal(cluster.lab)
        until_healthy(cluster)
