"""One sshd for the tests that leave it as they found it, and fleets that are closed without a trace."""

from __future__ import annotations

import asyncio
import inspect
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

import haconsole
from haconsole.inventory.schema import Inventory
from haconsole.transport.answers import Answers, NoAnswers
from haconsole.transport.base import TransportError
from haconsole.transport.ssh import SshFleet, Tuning
from tests.fakes.sshd import CP1, Sshd, make_key, running_sshd
from tests.fakes.waiting import eventually

MakeFleet = Callable[..., SshFleet]
OURS = tuple(Path(inspect.getfile(package)).parent for package in (haconsole, asyncssh))


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest_asyncio.fixture
async def make_fleet(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Fleets that must leave no task, no complaint of the event loop and no socket folder behind."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    fleets: list[SshFleet] = []

    def make(inventory: Inventory, answers: Answers | None = None, **tuning: Any) -> SshFleet:
        fleets.append(SshFleet(inventory, answers or NoAnswers(), tuning=Tuning(**tuning)))
        return fleets[-1]

    yield make
    for fleet in fleets:
        await fleet.close()
    await _reaped()
    assert not [task for task in asyncio.all_tasks() if _is_ours(task)]
    assert not complaints


async def _reaped() -> None:
    """Wait for the ends of proxy commands, of which threads of asyncio report."""
    await eventually(lambda: not any(thread.name.startswith("waitpid-") for thread in threading.enumerate()))
    await asyncio.sleep(0)


def _is_ours(task: asyncio.Task[Any]) -> bool:
    file = Path(task.get_coro().cr_code.co_filename)  # type: ignore[union-attr]
    return any(folder in file.parents for folder in OURS)


async def refused(make_fleet: MakeFleet, inventory: Inventory) -> TransportError:
    with pytest.raises(TransportError) as excinfo:
        await make_fleet(inventory).host(CP1).run(("true",))
    return excinfo.value


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd, make_fleet: MakeFleet) -> Iterator[None]:
    """An ssh-agent that holds the key that opens sshd, and a stranger's before it."""
    path = tmp_path / "agent"
    make_key(tmp_path / "stranger")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    while not path.exists():
        time.sleep(0.005)
    for key in (tmp_path / "stranger", sshd.user_key):
        subprocess.run(["ssh-add", "-q", key], check=True)
    yield
    process.terminate()
    process.wait(5)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A socket that takes connections and never sends anything."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server
