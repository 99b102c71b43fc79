"""One case on one lab: an undisturbed run, then runs disturbed at points, resumed and compared with it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from haconsole.errors import HaconsoleError
from haconsole.execution.log.run_record import read_run
from haconsole.lab.errors import LabError
from haconsole.lab.lab import Lab
from tests.hosts.chaos_cases import (
    BEGUN,
    CASES,
    PATIENCE,
    SHIM,
    SLOW,
    STATES,
    Case,
    Fault,
    Kind,
    inventory_text,
    settled,
)
from tests.hosts.chaos_kubeadm import KUBEADM_CASES, KUBEADM_STATES, SETTLED, SETTLED_WITH_WORKLOADS
from tests.hosts.chaos_picture import (
    STARTS,
    Picture,
    as_object,
    differs,
    looks,
    picture,
    record_is_true,
    shows_a_restart,
    starts_of,
)
from tests.hosts.chaos_report import Point, Report, Seen
from tests.hosts.checkpoint import Checkpoint
from tests.hosts.program import Program, Running

MOST_RESUMES = 5
DELAYS_S = (0.0, 0.05, 0.4)
"""The longest delay after a line: often none, so that what is between two lines is hit too where little is."""
INSIDE_S = 0.5
"""Delay of commands where the console is to be killed inside one."""
HOLDER = "/var/lib/haconsole/lock/holder"
BARE_HOSTS = 4
MOST_TOLD = 2000
ALL_CASES = CASES | KUBEADM_CASES
ALL_STATES = STATES | KUBEADM_STATES


class Chaos:
    """One lab, and the states that cases begin from; `base` is the one it is in: bare hosts, or a kubeadm cluster."""

    def __init__(
        self,
        lab: Lab,
        folder: Path,
        say: Callable[[str], None],
        program: type[Program] = Program,
        base: str = "bare",
    ) -> None:
        self.lab = lab
        self._folder = folder
        self._say = say
        self._program = program
        self._states: dict[str, Checkpoint] = {}
        self._runs = 0
        self._stands: Case | None = None
        for host in lab.spec.hosts:
            result = lab.exec(host.name, "sh", "-ec", SHIM)
            assert result.returncode == 0, result.stderr
        self._bare = Checkpoint(lab, folder / base, tuple(host.name for host in lab.spec.hosts))
        self._states[base] = self._bare

    def act(self, name: str, points: int, seed: int, only: frozenset[int] = frozenset()) -> Report:
        """Carry a case out once in peace, then once for each point, or only for those with the numbers `only`."""
        case = ALL_CASES[name]
        drawing = random.Random(f"{seed} {name}")
        self._stands = None
        program = self._start_state(case)
        before = self._starts(case)
        began = time.monotonic()
        program.events(*self._words(case))
        took = time.monotonic() - began
        expected = self._at_rest(case, program, before)
        record = [as_object(line) for line in _record(program).read_text().splitlines()]
        lines = len(record)
        detached = [number for number, line in enumerate(record) if line.get("kind") == "intent" and "boot" in line]
        faults = [fault for fault in case.faults if detached or fault is not Fault.INSIDE]
        report = Report(name, lines, took)
        self._say(f"{name}: {lines} lines, {took:.1f} s in peace")
        for number in range(1, points + 1):
            point = Point(
                drawing.randint(1, max(lines - 2, 1)),
                drawing.uniform(0, drawing.choice(DELAYS_S)),
                drawing.choice(faults),
                drawing.choice(case.hosts),
                drawing.uniform(1, 6),
            )
            if point.fault is Fault.INSIDE:
                point = replace(point, line=detached[point.line % len(detached)])
            if only and number not in only:
                continue
            reading = self._observe(case, point, expected)
            report.observations.append(reading)
            self._say(
                f"  {point}: {'; '.join(reading.wrong) or 'well'}, resumed {reading.resumes}x, {reading.seconds:.1f} s"
            )
        return report

    def _observe(self, case: Case, point: Point, expected: Picture) -> Seen:
        """The result at a point; once more from its beginning if a host of the lab did not come up."""
        for tries_left in (1, 0):
            try:
                return self._disturbed(case, point, expected)
            except Exception as error:
                self._stands = None
                if isinstance(error, LabError) and tries_left:
                    self._say(f"  {point}: begun again: {error}")
                    continue
                return Seen(point, 0, {}, (in_words(error),))
        raise AssertionError

    def _disturbed(self, case: Case, point: Point, expected: Picture) -> Seen:
        parts: dict[str, float] = {}
        with _timed(parts, "begin"):
            program = self._start_state(case)
            before = self._starts(case)
        with _timed(parts, "run"), _running(program, self._words(case)) as running:
            _reaches(program, point.line, running)
            if point.fault is Fault.INSIDE:
                self._wait_for_command(case, running)
            time.sleep(point.delay_s)
            self._happens(case, point, running)
        with _timed(parts, "resume"):
            self._quick(case)
            resumes, why_not = self._carried_on(program, case)
        with _timed(parts, "compare"):
            wrong = (why_not,) if why_not else tuple(self._wrong(case, program, before, expected, point.fault, resumes))
        if wrong:
            self._stands = None
        return Seen(point, resumes, parts, wrong)

    def _start_state(self, case: Case) -> Program:
        """The lab in the state that the case begins from, and the program with a state folder of its own.

        A console killed between its run's end and giving the lock back leaves it, for the next one to adopt knowingly.
        """
        if self._stands is not case or case.put_back is None or not self._put_back(case):
            self._begin(case.start, case.hosts)
            self._settle(case.start)
            assert self._put_back(case), f"{case.put_back} ends badly"
            self._stands = case
        self._settle(case.start)
        for host in case.hosts:
            (self.lab.host(host).root / BEGUN.lstrip("/")).write_text("")
            (self.lab.host(host).root / HOLDER.lstrip("/")).unlink(missing_ok=True)
        return self._on(case.hosts, case.kind, case.quota)

    def _put_back(self, case: Case) -> bool:
        """Have the case's script put the state back; whether it did."""
        output = looks(self.lab, case.hosts, f"{case.put_back or ':'}\n[ $? = 0 ] && echo well")
        return all("well" in lines for lines in output.values())

    def _begin(self, state: str, hosts: tuple[str, ...]) -> None:
        """Have these hosts in that state, making it the first time; all others are off."""
        if state not in self._states:
            product = ALL_STATES[state]
            self._begin(product.before, product.hosts)
            self._settle(product.before)
            if product.action:
                self._on(product.hosts, product.kind, product.quota).events(*product.action)
            if product.script:
                result = self.lab.exec(product.hosts[0], "sh", "-c", product.script, deadline_s=120)
                assert result.returncode == 0, f"{state}: {result.stdout}{result.stderr}"
            if product.prepare:
                product.prepare(self.lab)
            self._states[state] = Checkpoint(self.lab, self._folder / state, product.hosts)
        self._states[state].restore(hosts, self._bare)

    def _settle(self, state: str) -> None:
        """Wait until all that the state has is up."""
        if state not in ALL_STATES:
            return
        of = ALL_STATES[state]
        owner, hosts = of.owner, tuple(host for host in of.hosts if host not in of.down)
        if of.kind is Kind.KUBEADM:
            script = SETTLED_WITH_WORKLOADS if of.workloads else SETTLED
        else:
            script = settled(of.kind, self.lab.spec.vip if owner else "")
        until = time.monotonic() + PATIENCE[of.kind].settles_s
        while True:
            output = looks(self.lab, hosts, script)
            well = all("well" in output[host] for host in hosts)
            if well and (not owner or [host for host in hosts if "owner" in output[host]] == [owner]):
                return
            if time.monotonic() > until:
                raise AssertionError(f"{state} does not settle: {output}")
            time.sleep(0.2)

    def _on(self, hosts: tuple[str, ...], kind: Kind, quota: int) -> Program:
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir(parents=True)
        inventory = self._folder / f"{kind}-{quota}-{'-'.join(hosts)}.yaml"
        inventory.write_text(inventory_text(self.lab, hosts, kind, quota))
        return self._program(self.lab, folder, inventory)

    def _words(self, case: Case) -> tuple[str, ...]:
        return tuple(word.format(cluster=self.lab.spec.name) for word in case.action)

    def _starts(self, case: Case) -> dict[str, int]:
        return {host: starts_of(lines) for host, lines in looks(self.lab, case.hosts, STARTS).items()}

    def _wait_for_command(self, case: Case, running: Running) -> None:
        """Have commands take longer from now on, and wait until one is begun."""
        roots = [self.lab.host(host).root for host in case.hosts]
        for root in roots:
            (root / SLOW.lstrip("/")).write_text(f"{INSIDE_S}\n")
        files = [root / BEGUN.lstrip("/") for root in roots]
        sizes = [path.stat().st_size for path in files]
        while running.poll() is None and [path.stat().st_size for path in files] == sizes:
            time.sleep(0.01)

    def _quick(self, case: Case) -> None:
        for host in case.hosts:
            (self.lab.host(host).root / SLOW.lstrip("/")).unlink(missing_ok=True)

    def _happens(self, case: Case, point: Point, running: Running) -> None:
        """The fault, ended after its time; a console that runs for too long is killed in the end."""
        if point.fault in (Fault.KILL, Fault.INSIDE):
            running.kill()
            return
        if point.fault is Fault.CUT:
            self.lab.cut(point.host)
            time.sleep(point.lasts_s)
            self.lab.reconnect(point.host)
        else:
            self.lab.crash(point.host)
            self.lab.boot(point.host)
        try:
            running.wait(PATIENCE[case.kind].ends_s)
        except subprocess.TimeoutExpired:
            running.kill()

    def _carried_on(self, program: Program, case: Case) -> tuple[int, str]:
        """Resume until the run is complete; how often, and why it never was."""
        messages: list[str] = []
        for resumes in range(MOST_RESUMES + 1):
            try:
                path = _record(program)
                if read_run(path).complete:
                    return resumes, ""
            except (HaconsoleError, ValueError) as error:
                path = None
                messages.append(str(error))
            if path is None:
                action, *words = self._words(case)
                result = program("run", action, *words, "--yes", "--json")
            else:
                result = program.verb("resume", path.stem, "--yes", "--json")
            messages.append(_last_error(result))
        return MOST_RESUMES, f"not complete after {MOST_RESUMES} resumes: {' | '.join(dict.fromkeys(messages))}"

    def _at_rest(self, case: Case, program: Program, before: dict[str, int]) -> Picture:
        """The end state once it is the same twice, and shows no restart of a component that will be forgotten."""
        until = time.monotonic() + PATIENCE[case.kind].alike_s
        last = self._picture(case, program, before)
        while True:
            time.sleep(1.0)
            reading = self._picture(case, program, before)
            is_late = time.monotonic() > until
            if reading == last and (is_late or not shows_a_restart(reading)):
                return reading
            if is_late:
                raise AssertionError(f"the end state does not come to rest: {differs(last, reading, Fault.KILL)}")
            last = reading

    def _wrong(
        self, case: Case, program: Program, before: dict[str, int], expected: Picture, fault: Fault, resumes: int
    ) -> Iterator[str]:
        """Errors of the record, and differences of the end state that remain after some time."""
        yield from record_is_true(self.lab, case.hosts, _record(program))
        until = time.monotonic() + PATIENCE[case.kind].alike_s
        while wrong := differs(expected, self._picture(case, program, before), fault, resumes):
            if time.monotonic() > until:
                yield from wrong
                return
            time.sleep(1.0)

    def _picture(self, case: Case, program: Program, before: dict[str, int]) -> Picture:
        status = as_object(program.verb("status", str(program.inventory), "--json").stdout)
        reading = picture(self.lab, case, status)
        starts = reading["starts"].items()
        reading["starts"] = {host: count - before[host] for host, count in starts if host != case.leaves}
        return reading


def _record(program: Program) -> Path:
    (path,) = (program.state / "haconsole" / "runs").glob("*.jsonl")
    return path


@contextmanager
def _timed(parts: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    parts[name] = time.monotonic() - began


@contextmanager
def _running(program: Program, words: tuple[str, ...]) -> Iterator[Running]:
    running = program.start("run", *words, "--yes", "--json")
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def _reaches(program: Program, line: int, running: Running) -> None:
    """Wait until the record has so many lines, or the run is over."""
    folder = program.state / "haconsole" / "runs"
    until = time.monotonic() + 120
    while running.poll() is None and time.monotonic() < until:
        if any(path.read_bytes().count(b"\n") >= line for path in folder.glob("*.jsonl")):
            return
        time.sleep(0.003)


def in_words(error: Exception) -> str:
    """An error of the harness itself, or one before the fault."""
    return f"{type(error).__name__}: {str(error)[-MOST_TOLD:]}"


def _last_error(result: subprocess.CompletedProcess[str]) -> str:
    lines = [as_object(line) for line in result.stdout.splitlines()]
    errors = [str(one.get("error") or one.get("reasons")) for one in lines if one.get("error") or one.get("reasons")]
    return (errors or result.stderr.splitlines() or [f"exit {result.returncode}"])[-1][:300]
