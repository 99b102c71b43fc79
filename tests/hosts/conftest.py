"""Labs for tests on real hosts: made on demand under names of their own, taken down whatever happens.

Where this machine cannot make hosts, these tests fail if CI=true is in the environment and are skipped otherwise.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from haconsole.lab.errors import LabImpossibleError
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.prepare import prepare
from haconsole.lab.progress import Silent
from haconsole.lab.shape import Shape
from tests.hosts.load import Counts
from tests.hosts.membership import Members
from tests.hosts.program import Program

LabMaker = Callable[..., Lab]
"""Takes the fields of `Shape`; returns a lab that is up."""
Tell = Callable[..., None]
"""Takes what was done and the counts of a load; prints them, whether the test passes or not."""


def pytest_configure() -> None:
    """Heed Ctrl-C where the tests were started in a shell's background, which ignores it: so would what they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.hosts)


@pytest.fixture(scope="session")
def places() -> Places:
    """Where labs live, once this machine has everything to make them."""
    places = Places.of()
    try:
        prepare(places, Silent())
    except LabImpossibleError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    return places


@pytest.fixture(scope="session")
def make_lab_for_session(places: Places) -> Iterator[LabMaker]:
    """Makes labs that last until the end of the run."""
    signal.signal(signal.SIGTERM, _interrupt)
    _sweep_up_after_dead_runs(places)
    yield from _maker(places, "s")


@pytest.fixture
def make_lab(places: Places, make_lab_for_session: LabMaker) -> Iterator[LabMaker]:
    """Makes labs that last until the end of the test."""
    yield from _maker(places, "t")


@pytest.fixture(scope="session")
def shared_lab(make_lab_for_session: LabMaker) -> Lab:
    """Three bare hosts with the Kubernetes programs, for a whole run; whoever breaks something mends it."""
    return make_lab_for_session()


@pytest.fixture(scope="session")
def program(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program on three bare hosts of its own, for a whole run."""
    return Program(make_lab_for_session(), tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def first(program: Program) -> list[dict[str, Any]]:
    """The events of the bootstrap of `program`'s hosts."""
    return program.events("bootstrap")


@pytest.fixture
def installed(program: Program, first: list[dict[str, Any]]) -> Program:
    """The program on a cluster that its bootstrap made; whoever breaks something mends it."""
    assert first[-1]["outcome"] == "done"
    return program


@pytest.fixture(scope="session")
def etcd(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Five hosts for etcd alone, for a whole run; each test has the members stand as it needs them."""
    return Members(make_lab_for_session(hosts=5, kubernetes=False), tmp_path_factory.mktemp("etcd"), etcd_only=True)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Says what a load counted."""

    def say(what: str, **counts: Counts) -> None:
        with capsys.disabled():
            for name, count in counts.items():
                print(f"\n{what}: {name}: {count}", end="")

    return say


@pytest.fixture
def small_lab(make_lab: LabMaker) -> Lab:
    """One bare host without the Kubernetes programs, of the test's own."""
    return make_lab(hosts=1, kubernetes=False)


def _maker(places: Places, letter: str) -> Iterator[LabMaker]:
    made: list[Lab] = []

    def make(
        *, hosts: int = 3, workers: int = 0, bastion: bool = False, kubernetes: bool = True, name: str | None = None
    ) -> Lab:
        lab = Lab(name or f"t{os.getpid()}{letter}{len(made)}", places=places)
        made.append(lab)
        lab.up(Shape(hosts, workers, bastion, kubernetes))
        return lab

    try:
        yield make
    finally:
        for lab in reversed(made):
            lab.down()


def _sweep_up_after_dead_runs(places: Places) -> None:
    """Take down labs of runs that were killed before they could."""
    for path in places.state.iterdir() if places.state.is_dir() else ():
        named = re.fullmatch(r"t(\d+)[st]\d+", path.name)
        if named and not Path("/proc", named[1]).exists():
            Lab(path.name, places=places).down()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
