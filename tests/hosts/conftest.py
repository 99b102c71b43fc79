"""Labs for tests on real hosts: made on demand under names of their own, taken down whatever happens.

Where this machine cannot make hosts, these tests fail if CI=true is in the environment and are skipped otherwise.
"""

from __future__ import annotations

import fcntl
import inspect
import os
import re
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from haconsole.lab.errors import LabImpossibleError
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.prepare import prepare
from haconsole.lab.progress import Silent
from haconsole.lab.shape import LabShape
from haconsole.lab.spec import Debian, KubeadmSpec
from tests.hosts.kubeadm_cluster import STACKED, make_cluster, wait_healthy
from tests.hosts.load import Counts
from tests.hosts.membership import Members
from tests.hosts.program import Program

LabMaker = Callable[..., Lab]
"""Takes the fields of `LabShape`; returns a lab that is up."""
_SHARED = ("program", "etcd", "shared_lab", "saved_kubeadm")
"""The fixtures of this file whose labs the tests of several files share."""
_LONGEST = ("program", "saved_kubeadm", "etcd", "test_rotation", "test_chaos")
"""The tests that take longest, by the names of their labs."""
_KUBEADM_S = 600
"""The first test on the saved kubeadm cluster makes it, some two minutes on a busy machine."""
_INOTIFY, _INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances"), 1024
_LIMIT = pytest.StashKey[int]()
"""The machine's own limit of inotify instances."""
_FOR_MANY = pytest.StashKey[list[Lab]]()
"""Labs that more than one test uses."""
_FAILURE = pytest.StashKey[bool]()
"""The attempt at the test failed."""
Tell = Callable[..., None]
"""Takes what was done and the counts of a load; prints them, whether the test passes or not."""


def pytest_configure() -> None:
    """Heed Ctrl-C where the tests were started in a shell's background, which ignores it: so would what they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let the kernel serve several labs at once: each host's systemd and kubelet hold inotify instances."""
    limit = int(_INOTIFY.read_text())
    if limit < _INSTANCES and os.access(_INOTIFY, os.W_OK) and not hasattr(session.config, "workerinput"):
        session.config.stash[_LIMIT] = limit
        _INOTIFY.write_text(f"{_INSTANCES}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (limit := session.config.stash.get(_LIMIT, None)) is not None:
        _INOTIFY.write_text(f"{limit}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests together that share a lab, the longest first, so that `--dist loadgroup` shares out labs, not tests."""
    for item in items:
        if _is_ours(item):
            item.add_marker(pytest.mark.hosts)
            item.add_marker(pytest.mark.xdist_group(_lab_of(item)))
            if _uses(item, "saved_kubeadm") and item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(_KUBEADM_S))
    labs = list(dict.fromkeys((*_LONGEST, *map(_lab_of, items))))
    items.sort(key=lambda item: labs.index(_lab_of(item)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Take labs down after the last test that shares them: an idle cluster takes the processor from the others.

    A test that is about to have its second attempt keeps them.
    """
    yield
    second = (
        item.config.getoption("reruns", 0)
        and getattr(item, "execution_count", 0) == 1
        and item.stash.get(_FAILURE, False)
    )
    if not second and (nextitem is None or _lab_of(nextitem) != _lab_of(item)):
        _down(item.config.stash.get(_FOR_MANY, []))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILURE] = report.failed or (call.when != "setup" and item.stash.get(_FAILURE, False))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each first attempt that failed, whether the second one passed or not: its reason is to be found."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first attempt of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


def _uses(item: pytest.Item, fixture: str) -> bool:
    return isinstance(item, pytest.Function) and fixture in item.fixturenames


def _is_ours(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _lab_of(item: pytest.Item) -> str:
    """The fixture of this file whose lab the test shares with other files' tests; else the test's file."""
    module = inspect.getmodule(item.function) if isinstance(item, pytest.Function) else None
    names = item.fixturenames if isinstance(item, pytest.Function) else ()
    return next((name for name in _SHARED if name in names and not hasattr(module, name)), item.path.stem)


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
def make_lab_for_session(places: Places, pytestconfig: pytest.Config) -> Iterator[LabMaker]:
    """Makes labs that last until the last test that shares them."""
    signal.signal(signal.SIGTERM, _interrupt)
    _sweep_up_after_dead_runs(places)
    yield from _maker(places, "s", pytestconfig.stash.setdefault(_FOR_MANY, []))


@pytest.fixture
def make_lab(places: Places, make_lab_for_session: LabMaker) -> Iterator[LabMaker]:
    """Makes labs that last until the end of the test."""
    yield from _maker(places, "t", [])


@pytest.fixture(scope="session")
def shared_lab(make_lab_for_session: LabMaker) -> Lab:
    """Three bare hosts with the Kubernetes programs, for all tests that share them; who breaks something hints it."""
    return make_lab_for_session()


@pytest.fixture(scope="session")
def program(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program on three bare hosts of its own, for all tests that share them."""
    return Program(make_lab_for_session(), tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def first(program: Program) -> list[dict[str, Any]]:
    """The events of the bootstrap of `program`'s hosts."""
    return program.events("bootstrap")


@pytest.fixture
def installed(program: Program, first: list[dict[str, Any]]) -> Program:
    """The program on a cluster that its bootstrap made; who breaks something hints it."""
    assert first[-1]["outcome"] == "done"
    return program


@pytest.fixture(scope="session")
def etcd(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Five hosts with only etcd, for all tests that share them; each test sets up the members that it needs."""
    return Members(make_lab_for_session(hosts=5, kubernetes=False), tmp_path_factory.mktemp("etcd"), etcd_only=True)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Prints the counts of a load."""

    def say(what: str, **counts: Counts) -> None:
        with capsys.disabled():
            print("".join(f"\n{what}: {name}: {count}" for name, count in counts.items()) or f"\n{what}", end="")

    return say


@pytest.fixture
def small_lab(make_lab: LabMaker) -> Lab:
    """One bare host without the Kubernetes programs, of the test's own."""
    return make_lab(hosts=1, kubernetes=False)


@pytest.fixture(scope="session")
def saved_kubeadm(places: Places, make_lab_for_session: LabMaker) -> Iterator[str]:
    """The folder of a saved kubeadm cluster: three stacked control planes and a worker, as kubeadm's guide has them.

    HACONSOLE_SAVED_KUBEADM names one that exists, to save the two minutes while tests are written.
    """
    if existing := os.environ.get("HACONSOLE_SAVED_KUBEADM"):
        yield existing
        return
    name = f"t{os.getpid()}k0"
    lab = make_lab_for_session(workers=1, kubeadm=STACKED, name=name)
    folder = places.cache / "saved" / name
    try:
        make_cluster(lab)
        lab.save(f"{folder}", boot=False)
        lab.down()
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kubeadm(places: Places, saved_kubeadm: str) -> Iterator[Lab]:
    """A healthy kubeadm cluster of the test's own, restored from the saved one; the test may break anything."""
    lab = Lab(Path(saved_kubeadm).name, places=places)
    try:
        lab.up_from(saved_kubeadm)
        wait_healthy(lab)
        yield lab
    finally:
        lab.down()


def _maker(places: Places, letter: str, labs: list[Lab]) -> Iterator[LabMaker]:
    """`made` is where the labs are noted that are up."""
    numbers = count()

    def make(
        *,
        hosts: int = 3,
        workers: int = 0,
        bastion: bool = False,
        kubernetes: bool = True,
        debian: Debian = Debian.BOOKWORM,
        kubeadm: KubeadmSpec | None = None,
        name: str | None = None,
    ) -> Lab:
        lab = Lab(name or f"t{os.getpid()}{letter}{next(numbers)}", places=places)
        labs.append(lab)
        lab.up(LabShape(hosts, workers, bastion, kubernetes, debian=debian, kubeadm=kubeadm))
        return lab

    try:
        yield make
    finally:
        _down(labs)


def _down(labs: list[Lab]) -> None:
    while labs:
        labs.pop().down()


def _sweep_up_after_dead_runs(places: Places) -> None:
    """Remove the labs, running and saved, of test runs that were killed before they could; one worker at a time."""
    saved = places.cache / "saved"
    with (places.cache / "sweep.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in saved.iterdir() if saved.is_dir() else ():
            if _is_of_a_dead_run(path.name.removesuffix(".unfinished")):
                shutil.rmtree(path)
        for path in places.state.iterdir() if places.state.is_dir() else ():
            if _is_of_a_dead_run(path.name):
                Lab(path.name, places=places).down()


def _is_of_a_dead_run(name: str) -> bool:
    """The name is one that a test run gave, and the run's process is gone."""
    named = re.fullmatch(r"t(\d+)[skt]\d+", name)
    return named is not None and not Path("/proc", named[1]).exists()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
