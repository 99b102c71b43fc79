"""Runs disturbed at points drawn from a seed, resumed, and compared with an undisturbed one.

`python -m tests.hosts.chaos` (``make chaos``) reads CHAOS_POINTS (for each case, 25), CHAOS_SEED, CHAOS_CASES (names,
comma-separated; all) and CHAOS_LABS (worked on side by side, 2) from the environment and prints a report; its exit
status is 1 when a point went wrong. The same seed draws the same points, whatever the other settings; CHAOS_ONLY (their
numbers, comma-separated) repeats some of them.

Cases on clusters of kubeadm's follow the others, on one lab: HACONSOLE_SAVED_KUBEADM names a saved cluster, whose
addresses one lab can have at a time; without it a cluster is made first.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

from haconsole.lab.lab import Lab
from haconsole.lab.shape import LabShape
from tests.hosts import forked
from tests.hosts.chaos_act import ALL_CASES, BARE_HOSTS, Chaos, in_words
from tests.hosts.chaos_report import Report
from tests.hosts.kubeadm_cluster import STACKED, make_cluster, wait_healthy, without_probes


class Asked:
    """Queues between this process and its workers: names of cases to be worked on, and reports on those that were."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self.names = context.SimpleQueue()
        self.answers = context.SimpleQueue()
        self.start = context.Process


def work(lab_name: str, request: Asked, points: int, seed: int, *, kubeadm: bool) -> None:
    """Make a lab and put cases to their points on it until none is left; take it down."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _work(Lab(lab_name), request, points, seed, kubeadm=kubeadm)
    finally:
        request.answers.put((None, ()))


def _work(lab: Lab, request: Asked, points: int, seed: int, *, kubeadm: bool) -> None:
    messages: list[str] = []
    only = frozenset(int(number) for number in filter(None, os.environ.get("CHAOS_ONLY", "").split(",")))

    def say(text: str) -> None:
        """Keep a line for the report, and print it at once, because a case may last an hour."""
        messages.append(text)
        print(f"{lab.name}: {text.strip()}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="haconsole-chaos-", dir=lab.places.state.parent) as folder:
        try:
            if kubeadm:
                _cluster_up(lab)
            else:
                lab.up(LabShape(BARE_HOSTS, 0, False, False))
            base = "kubeadm" if kubeadm else "bare"
            chaos = Chaos(lab, Path(folder), say, forked.ForkedProgram, base)
            while (name := request.names.get()) is not None:
                messages.clear()
                try:
                    report = chaos.act(name, points, seed, only)
                except Exception as error:
                    report = Report(name, wrong=in_words(error))
                request.answers.put((report, tuple(messages)))
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            lab.down()


def _cluster_up(lab: Lab) -> None:
    """A cluster of kubeadm's: the saved one, or one that is made now."""
    if saved := os.environ.get("HACONSOLE_SAVED_KUBEADM"):
        lab.up_from(saved)
    else:
        lab.up(LabShape(3, 1, False, True, kubeadm=STACKED))
        make_cluster(lab)
    wait_healthy(lab)
    without_probes(lab)  # a rotation of CAs waits for the workloads of kube-system


def on_labs(names: tuple[str, ...], points: int, seed: int, labs: int) -> list[Report]:
    """Work on all cases: those of clusters of kubeadm's last, on one lab."""
    kubeadm = tuple(name for name in names if ALL_CASES[name].kubeadm)
    others = tuple(name for name in names if name not in kubeadm)
    reports = side_by_side(others, points, seed, min(labs, len(others)), kubeadm=False)
    return [*reports, *side_by_side(kubeadm, points, seed, min(1, len(kubeadm)), kubeadm=True)]


def side_by_side(names: tuple[str, ...], points: int, seed: int, labs: int, *, kubeadm: bool) -> list[Report]:
    """Work on the cases on several labs at once, the longest first; print each report when its case is done."""
    request = Asked()
    for name in sorted(names, key=lambda name: -ALL_CASES[name].weight):
        request.names.put(name)
    workers = [
        request.start(
            target=work,
            args=(f"chaos{number}{'k' if kubeadm else ''}-{os.getpid()}", request, points, seed),
            kwargs={"kubeadm": kubeadm},
        )
        for number in range(labs)
    ]
    for _ in workers:
        request.names.put(None)
    reports: dict[str, Report] = {}
    try:
        for worker in workers:
            worker.start()
        rest = len(workers)
        while rest:
            report, message = request.answers.get()
            if report is None:
                rest -= 1
            else:
                reports[report.name] = report
                print(*message, report, sep="\n", flush=True)
    except BaseException:
        for worker in workers:
            worker.terminate()
        raise
    finally:
        for worker in workers:
            worker.join()
    return [reports.get(name, Report(name, wrong="it was never begun")) for name in names]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _processor() -> tuple[int, int]:
    """Time that this machine's processors spent so far, and how much of it idle, in ticks."""
    lines = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return sum(lines), lines[3] + lines[4]


def main() -> int:
    if len(sys.argv) > 1:
        sys.exit(f"{__doc__}\nThere are no arguments: {' '.join(sys.argv[1:])}")
    signal.signal(signal.SIGTERM, _interrupt)
    environment: dict[str, Any] = dict(os.environ)
    seed = int(environment.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    points = int(environment.get("CHAOS_POINTS") or 25)
    labs = int(environment.get("CHAOS_LABS") or 2)
    names = tuple((environment.get("CHAOS_CASES") or ",".join(ALL_CASES)).split(","))
    print(f"seed {seed}, {points} points for each of {', '.join(names)}", flush=True)
    forked.load()
    (total, idle), began = _processor(), time.monotonic()
    reports = on_labs(names, points, seed, labs)
    total, idle = (now - before for now, before in zip(_processor(), (total, idle), strict=True))
    good = all(one.good for one in reports)
    print("", *reports, sep="\n")
    print(f"{time.monotonic() - began:.0f} s on {labs} labs, processors idle {idle * 100 // total} % of it")
    print(f"seed {seed}: {'all well' if good else 'SOMETHING WENT WRONG'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
