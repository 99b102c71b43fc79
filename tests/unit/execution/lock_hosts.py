"""Hosts that keep the cluster's lock, each in a folder of its own here; some can be out of a console's reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from haconsole.execution.locking.cluster_lock import ClusterLock
from haconsole.execution.locking.lock_host import LockPaths
from haconsole.model.lock import LockClaim
from haconsole.model.names import HostName
from haconsole.transport.base import Argv, Completed
from tests.unit.execution.local import LocalHost

PLACES = LockPaths("/lock/place", "/lock/heartbeat")
HOSTS = tuple(HostName(name) for name in ("cp1", "cp2", "cp3"))


@dataclass
class LockFolder(LocalHost):
    """This machine as a host whose `/lock` is `folder`."""

    folder: Path = field(default=Path())

    async def run(
        self,
        argv: Argv,
        *,
        stdin: bytes | None = None,
        root: bool = False,
        deadline_s: float = 10.0,
        urgent: bool = False,
    ) -> Completed:
        here = tuple(word.replace("/lock/", f"{self.folder}/") if word.startswith("/lock/") else word for word in argv)
        return await super().run(here, stdin=stdin, root=root, deadline_s=deadline_s, urgent=urgent)


class Reach:
    """The hosts as one console reaches them: those in `out_of_reach` not at all."""

    def __init__(self, folder: Path, out_of_reach: tuple[str, ...] = (), hosts: tuple[HostName, ...] = HOSTS) -> None:
        self.hosts = {name: LockFolder(name, folder=folder / name) for name in hosts}
        for name, host in self.hosts.items():
            host.folder.mkdir(exist_ok=True)
            host.unreachable = name in out_of_reach

    def host(self, name: HostName) -> LockFolder:
        return self.hosts[name]

    async def close(self) -> None:
        return None


def claim(n: int, *, process: str = "") -> LockClaim:
    return LockClaim(f"{n:032x}", f"ops{n}@desk", 100 + n, f"r{n}", "bootstrap", process)


def lock(folder: Path, n: int = 1, *, out_of_reach: tuple[str, ...] = (), process: str = "") -> ClusterLock:
    """Console number `n`'s lock of the three hosts."""
    reach = Reach(folder, out_of_reach)
    return ClusterLock("lab", reach, HOSTS, claim(n, process=process), PLACES)


def record(folder: Path, host: str) -> Path:
    return folder / host / "place/holder"


def holders(folder: Path) -> list[str]:
    """The holder in each host's record, in order; empty where there is none."""
    paths = [record(folder, host) for host in HOSTS]
    return [path.read_text().partition("\n")[0].lstrip("0") if path.exists() else "" for path in paths]


def age(folder: Path, seconds: int, *hosts: str) -> None:
    """Make the heartbeats older by so many seconds of their hosts' clocks."""
    for host in hosts or HOSTS:
        path = folder / host / "heartbeat"
        token, at = path.read_text().split()
        path.write_text(f"{token} {int(at) - seconds:12d}\n")
