"""Runs disturbed at points drawn from a seed, carried on, and compared with one that nothing disturbed.

`python -m tests.hosts.chaos` (``make chaos``) reads CHAOS_POINTS (for each action, 25), CHAOS_SEED and CHAOS_ACTIONS
(names, comma-separated; all) from the environment and prints a report; its exit status is 1 when a point went wrong.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from haconsole.errors import HaconsoleError
from haconsole.execution.records import StepState, read_run
from haconsole.lab.lab import Lab
from haconsole.lab.shape import Shape
from tests.hosts.checkpoint import Checkpoint
from tests.hosts.membership import Members
from tests.hosts.program import Program

ENDS_WITHIN_S = 60.0
"""How long a run may go on after its fault was mended before its console is killed as well."""
MOST_RESUMES = 5
DELAYS_S = (0.0, 0.05, 0.4)
"""The longest delay after a line: often none, so that what is between two lines is hit too where little is."""
THREE, FOUR = ("cp1", "cp2", "cp3"), ("cp1", "cp2", "cp3", "cp4")
ETCDCTL = (
    *("env", "ETCDCTL_API=3", "etcdctl", "--endpoints=https://127.0.0.1:2379", "--cacert=/etc/etcd/pki/ca.crt"),
    *("--cert=/etc/etcd/pki/client.crt", "--key=/etc/etcd/pki/client.key", "--command-timeout=5s"),
)
TEXTS = ("/etc/etcd/etcd.env", "/etc/haproxy/haproxy.cfg", "/etc/systemd/system/etcd.service")
PLACES = ("/etc/etcd", "/etc/haproxy", "/etc/systemd/system", "/var/lib/etcd")


class Fault(StrEnum):
    """What happens at a point."""

    KILL = "console killed"
    CUT = "host cut off"
    REBOOT = "host power-cut"


@dataclass(frozen=True, slots=True)
class Case:
    """An action, the hosts of its inventory, the state it begins from, and the faults it is put to."""

    hosts: tuple[str, ...]
    action: tuple[str, ...]
    start: str = "bare"
    balanced: bool = False
    faults: tuple[Fault, ...] = tuple(Fault)


STATES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], bool]] = {
    "three": ("bare", THREE, ("bootstrap", "--only", "etcd"), False),
    "four": ("bare", FOUR, ("bootstrap", "--only", "etcd"), False),
    "balanced": ("bare", THREE, ("bootstrap", "--only", "haproxy"), True),
    "drained": ("balanced", THREE, ("drain", "cp1"), True),
}
"""How each state comes from another: its hosts, the action, and whether the inventory has balancers."""

RUNTIME_ONLY = (Fault.KILL, Fault.CUT)
"""haproxy forgets at a restart what its runtime API was told: that is no fault of a run."""

CASES: dict[str, Case] = {
    "bootstrap": Case(THREE, ("bootstrap", "--only", "etcd")),
    "move-leader": Case(THREE, ("move-leader",), "three"),
    "backup": Case(THREE, ("backup",), "three"),
    "join": Case(FOUR, ("join", "cp4"), "three"),
    "remove": Case(FOUR, ("remove", "cp4"), "four"),
    "rotate-certs": Case(THREE, ("rotate-certs", "--scope", "etcd"), "three"),
    "drain": Case(THREE, ("drain", "cp1"), "balanced", balanced=True, faults=RUNTIME_ONLY),
    "ready": Case(THREE, ("ready", "cp1"), "balanced", balanced=True, faults=RUNTIME_ONLY),
}


@dataclass(frozen=True, slots=True)
class Point:
    """`fault` happens `delay_s` after the record has `line` lines; a host's to `host`, for `lasts_s`."""

    line: int
    delay_s: float
    fault: Fault
    host: str
    lasts_s: float

    def __str__(self) -> str:
        where = "" if self.fault is Fault.KILL else f" {self.host}"
        return f"{self.fault}{where} at line {self.line} + {self.delay_s * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Seen:
    """One point as it went: how often the run was carried on, what is wrong with its end (nothing, one hopes)."""

    point: Point
    resumes: int
    seconds: float
    wrong: tuple[str, ...]


@dataclass
class Report:
    """What came of one action."""

    action: str
    lines: int
    undisturbed_s: float
    seen: list[Seen] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not any(one.wrong for one in self.seen)

    def __str__(self) -> str:
        faults = Counter(one.point.fault for one in self.seen)
        told = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))
        took = [one.seconds for one in self.seen] or [0.0]
        resumes = Counter(one.resumes for one in self.seen)
        went = ", ".join(f"{count} resumed {times}x" for times, count in sorted(resumes.items()))
        well = sum(not one.wrong for one in self.seen)
        head = (
            f"{self.action:13} {len(self.seen):3} points ({told}): {well} well; {went}; "
            f"undisturbed {self.undisturbed_s:.1f} s over {self.lines} lines; "
            f"a point {sum(took) / len(took):.1f} s (longest {max(took):.1f})"
        )
        wrong = [f"    {one.point}: {'; '.join(one.wrong)}" for one in self.seen if one.wrong]
        return "\n".join((head, *wrong))


class Chaos:
    """One lab of four hosts, and the states that cases begin from."""

    def __init__(self, lab: Lab, folder: Path, say: Callable[[str], None]) -> None:
        self.lab = lab
        self._folder = folder
        self._say = say
        self._states: dict[str, Checkpoint] = {"bare": Checkpoint(lab, folder / "bare")}
        self._runs = 0

    def program(self, hosts: tuple[str, ...], *, balanced: bool) -> Program:
        """The program with a state folder of its own."""
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir(parents=True)
        return Members(self.lab, folder, etcd_only=not balanced).of(*hosts)

    def begin(self, state: str) -> None:
        """Have the lab in that state, making it the first time."""
        if state not in self._states:
            before, hosts, action, balanced = STATES[state]
            self.begin(before)
            self.program(hosts, balanced=balanced).events(*action)
            self._states[state] = Checkpoint(self.lab, self._folder / state)
        else:
            self._states[state].restore()
        self._settle(state)

    def _settle(self, state: str) -> None:
        if state in ("three", "four"):
            hosts = STATES[state][1]
            _until(lambda: len(members(self.lab, hosts)) == len(hosts) and healthy(self.lab), 60, "etcd is not healthy")

    def act(self, name: str, points: int, seed: int) -> Report:
        """Carry an action out once in peace, then once for each point."""
        case = CASES[name]
        drawn = random.Random(f"{seed} {name}")
        program, _ = self._begun(name, case)
        began = time.monotonic()
        program.events(*case.action)
        took = time.monotonic() - began
        expected = picture(self.lab, case)
        lines = len(_record(program).read_text().splitlines())
        report = Report(name, lines, took)
        self._say(f"{name}: {lines} lines, {took:.1f} s in peace")
        for _ in range(points):
            point = Point(
                drawn.randint(1, max(lines - 2, 1)),
                drawn.uniform(0, drawn.choice(DELAYS_S)),
                drawn.choice(case.faults),
                drawn.choice(case.hosts),
                drawn.uniform(1, 6),
            )
            report.seen.append(self._disturbed(name, case, point, expected))
            seen = report.seen[-1]
            self._say(f"  {point}: {'; '.join(seen.wrong) or 'well'}, resumed {seen.resumes}x, {seen.seconds:.1f} s")
        return report

    def _begun(self, name: str, case: Case) -> tuple[Program, float]:
        self.begin(case.start)
        if name == "ready":
            self.program(case.hosts, balanced=True).events("drain", "cp1")
        return self.program(case.hosts, balanced=case.balanced), time.monotonic()

    def _disturbed(self, name: str, case: Case, point: Point, expected: dict[str, Any]) -> Seen:
        began = time.monotonic()
        program, _ = self._begun(name, case)
        with _running(program, case) as running:
            _reaches(program, point.line, running)
            time.sleep(point.delay_s)
            self._happens(point, running)
        resumes, wrong = self._carried_on(program, case)
        if not wrong:
            wrong = (*record_is_true(program), *differs(expected, picture(self.lab, case), point))
        return Seen(point, resumes, time.monotonic() - began, wrong)

    def _happens(self, point: Point, running: subprocess.Popen[bytes]) -> None:
        """The fault, mended after its time; a console that goes on for too long is killed in the end."""
        if point.fault is Fault.KILL:
            running.kill()
            return
        if point.fault is Fault.CUT:
            self.lab.cut(point.host)
            time.sleep(point.lasts_s)
            self.lab.mend(point.host)
        else:
            self.lab.crash(point.host)
            self.lab.boot(point.host)
        try:
            running.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.kill()

    def _carried_on(self, program: Program, case: Case) -> tuple[int, tuple[str, ...]]:
        """Resume until the run is complete; how often, and why it never was."""
        said = ""
        for resumes in range(MOST_RESUMES + 1):
            try:
                path = _record(program)
                if read_run(path).complete:
                    return resumes, ()
            except (HaconsoleError, ValueError):
                path = None
            if path is None:
                done = program("run", case.action[0], *case.action[1:], "--yes", "--json")
            else:
                done = program.verb("resume", path.stem, "--yes", "--json")
            said = _last_error(done)
        return MOST_RESUMES, (f"not complete after {MOST_RESUMES} resumes: {said}",)


def record_is_true(program: Program) -> Iterator[str]:
    """What is wrong with a complete run's record: every step well in the end, and none done more than once."""
    path = _record(program)
    record = read_run(path)
    for one in record.steps:
        if one.state not in (StepState.VERIFIED, StepState.ALREADY):
            yield f"{one.step} is {one.state} in the record"
    done: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        told = _json(line)
        if told.get("kind") == "performed" and told.get("outcome") == "done":
            done[told["step"]] += 1
    yield from (f"{step} was done {times} times" for step, times in done.items() if times > 1)


def picture(lab: Lab, case: Case) -> dict[str, Any]:
    """The end state of a lab, without what differs between two runs in any case: keys, times, who leads."""
    told: dict[str, Any] = {"members": members(lab, case.hosts) if case.start != "balanced" else []}
    for host in case.hosts:
        find = ("find", *PLACES, "-type", "f", "-printf", "%p %m %u\\n")
        files = [_plain(line) for line in lab.exec(host, *find).stdout.splitlines()]
        kept = sorted({line for line in files if "/." not in line and "/member" not in line})
        units = lab.exec(host, "systemctl", "is-active", "etcd", "haproxy").stdout.split()
        enabled = lab.exec(host, "systemctl", "is-enabled", "etcd", "haproxy").stdout.split()
        sums = lab.exec(host, "sh", "-c", f"sha256sum {' '.join(TEXTS)} 2>/dev/null").stdout
        run_folder = lab.exec(host, "ls", "/run/haconsole").stdout.split()
        left = [name for name in run_folder if name != "lock"]
        told[host] = {"files": kept, "units": units, "enabled": enabled, "sums": sums, "left": left}
        told[f"{host} starts"] = starts(lab, host)
        if case.balanced:
            stat = lab.exec(host, "sh", "-c", "echo 'show servers state' | socat - UNIX:/run/haproxy/admin.sock").stdout
            told[host]["servers"] = [(row.split()[3], row.split()[6]) for row in stat.splitlines() if "cp" in row]
    authorities = {lab.exec(host, "sha256sum", "/etc/etcd/pki/ca.crt").stdout for host in case.hosts}
    told["authorities"] = len(authorities)
    return told


def differs(expected: dict[str, Any], seen: dict[str, Any], point: Point) -> Iterator[str]:
    """What is not as after the run that nothing disturbed; a host that was power-cut starts its services once more."""
    for name, value in expected.items():
        if point.fault is Fault.REBOOT and name.endswith(" starts"):
            continue
        if seen[name] != value:
            yield f"{name}: {_difference(value, seen[name])}"


def _difference(before: Any, now: Any) -> str:
    if isinstance(before, dict):
        return "; ".join(f"{key}: {_difference(before[key], now[key])}" for key in before if before[key] != now[key])
    if isinstance(before, list):
        return f"lacks {[one for one in before if one not in now]}, has {[one for one in now if one not in before]}"
    return f"{before!r} is {now!r}"


def members(lab: Lab, hosts: tuple[str, ...]) -> list[str]:
    """etcd's members as the first of the hosts that answers lists them."""
    for host in hosts:
        done = lab.exec(host, *ETCDCTL, "member", "list", "-w", "json")
        if done.returncode == 0:
            listed = json.loads(done.stdout)["members"]
            return sorted(f"{one.get('name')} {one['peerURLs']} {one.get('isLearner', False)}" for one in listed)
    return []


def healthy(lab: Lab) -> bool:
    return lab.exec("cp1", *ETCDCTL, "endpoint", "health", "--cluster").returncode == 0


def starts(lab: Lab, host: str) -> int:
    """How often systemd began to start etcd since the host was booted."""
    told = lab.exec(host, "journalctl", "-b", "-u", "etcd", "-o", "cat", "--no-pager").stdout
    return told.count("Starting etcd")


def _plain(line: str) -> str:
    """Without times and run names."""
    return re.sub(r"\d{8}T\d{6}Z(-[a-z-]+-[0-9a-f]{4})?", "TIME", line)


def _record(program: Program) -> Path:
    (path,) = (program.state / "haconsole" / "runs").glob("*.jsonl")
    return path


@contextmanager
def _running(program: Program, case: Case) -> Iterator[subprocess.Popen[bytes]]:
    command = program.command("run", case.action[0], *case.action[1:], "--yes", "--json")
    null = subprocess.DEVNULL
    with subprocess.Popen(command, env=program.environment, stdout=null, stderr=null, stdin=null) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def _reaches(program: Program, line: int, running: subprocess.Popen[bytes]) -> None:
    """Wait until the record has so many lines, or the run is over."""
    folder = program.state / "haconsole" / "runs"
    until = time.monotonic() + 120
    while running.poll() is None and time.monotonic() < until:
        if any(path.read_bytes().count(b"\n") >= line for path in folder.glob("*.jsonl")):
            return
        time.sleep(0.003)


def _until(holds: Callable[[], bool], within_s: float, otherwise: str) -> None:
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(otherwise)
        time.sleep(0.2)


def _last_error(done: subprocess.CompletedProcess[str]) -> str:
    errors = [told["error"] for line in done.stdout.splitlines() if (told := _json(line)).get("error")]
    return (errors or done.stderr.splitlines() or [f"exit {done.returncode}"])[-1][:300]


def _json(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def run(lab_name: str, names: tuple[str, ...], points: int, seed: int, say: Callable[[str], None]) -> list[Report]:
    """Make a lab, put the actions to their points, take it down."""
    lab = Lab(lab_name)
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="haconsole-chaos-", dir=lab.places.state.parent) as folder:
        try:
            lab.up(Shape(4, 0, False, False))
            chaos = Chaos(lab, Path(folder), say)
            reports.extend(chaos.act(name, points, seed) for name in names)
        finally:
            lab.down()
    return reports


def main() -> int:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    points = int(os.environ.get("CHAOS_POINTS") or 25)
    names = tuple((os.environ.get("CHAOS_ACTIONS") or ",".join(CASES)).split(","))
    print(f"seed {seed}, {points} points for each of {', '.join(names)}", flush=True)
    reports = run(f"chaos{os.getpid()}", names, points, seed, lambda line: print(line, flush=True))
    ending = "all well" if all(one.good for one in reports) else "SOMETHING WENT WRONG"
    print("", *reports, f"seed {seed}: {ending}", sep="\n")
    return 0 if reports and all(one.good for one in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
