"""Load on a cluster while something is done to it: writes through all etcd members, requests through the VIP."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from haconsole.lab.lab import Lab
from haconsole.model.names import HostName
from haconsole.model.secret import Secret
from haconsole.transport.etcd_api import EtcdApi, EtcdCredentials, EtcdError, EtcdErrorKind
from tests.hosts.beside import steps_beside

ELECTION_S = 1.0
"""etcd's own election time-out (its default): a client may begin another try until then, and none later."""
FIRST_TRY_S, LAST_TRY_S = 0.9, 5.0
"""Time-outs before another member is tried; a request that a leader change drops is never answered."""
STARVED_S = 3.0
"""So late a second try may begin where the machine let this client wait: its first was given up in time."""

LOST = (EtcdErrorKind.REFUSED, EtcdErrorKind.UNAVAILABLE, EtcdErrorKind.TLS)
"""Errors which show that a connection is gone."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that was retried or failed; `end` is in seconds since the epoch."""

    what: str
    end: float
    took_s: float
    why: str

    def __str__(self) -> str:
        return (
            f"{self.what} at {datetime.fromtimestamp(self.end, UTC):%H:%M:%S.%f}"[:-3]
            + f" after {self.took_s:.2f} s: {self.why}"
        )


@dataclass
class Counts:
    """`retried` are those that another try within the time-out brought through; `slowest_s` is of one that did.

    `terms` are etcd's raft terms seen meanwhile: one more than the changes of leadership. With `runs`, a folder with
    logs of runs, the steps that ran beside each error are printed with it.
    """

    successes: int = 0
    retried: int = 0
    failed: int = 0
    slowest_s: float = 0.0
    errors: list[Trouble] = field(default_factory=list)
    terms: set[int] = field(default_factory=set)
    runs: Path | None = None

    def say(self, what: str, start: float, errors: list[str]) -> None:
        """Keep when and why one was retried or failed; `start` by the monotonic clock."""
        self.note(what, time.monotonic() - start, errors, now=time.time())

    def note(self, what: str, took_s: float, errors: list[str], *, now: float) -> None:
        self.errors.append(Trouble(what, now, took_s, "; ".join(dict.fromkeys(errors))))

    def __str__(self) -> str:
        output = f"{self.successes} done, {self.retried} retried, {self.failed} failed, slowest {self.slowest_s:.2f} s"
        terms = f", raft terms {min(self.terms)} to {max(self.terms)}" if self.terms else ""
        return output + terms + "".join(f"\n  {line}" for error in self.errors[:10] for line in self._lines_of(error))

    def _lines_of(self, error: Trouble) -> Iterator[str]:
        yield str(error)
        if self.runs is not None:
            steps = steps_beside(self.runs, error.end - error.took_s, error.end)
            yield f"  beside it: {'; '.join(steps) or 'no step'}"


class Load:
    """Work that runs in a thread while the block lasts."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Counts:
        """Return once the first was done: what happens in the block happens under load."""
        self._thread.start()
        end = time.monotonic() + 60
        while not self.counts.successes:
            assert self._thread.is_alive(), "the load could not begin"
            assert time.monotonic() < end, f"the load did not begin within a minute: {self.counts}"
            time.sleep(0.05)
        return self.counts

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self) -> None:
        raise NotImplementedError


class EtcdWriter(Load):
    """Writes one key after the other, each through the next of `addresses` that is connected, as a client does."""

    def __init__(self, lab: Lab, addresses: tuple[str, ...], *, pause_s: float = 0.02) -> None:
        super().__init__()
        self._addresses = addresses
        self._pause_s = pause_s
        self._up: list[EtcdApi] = []
        pki = "/etc/etcd/pki"
        host = holder(lab, f"{pki}/client.key")
        ca, cert, key = (read(lab, host, f"{pki}/{name}") for name in ("ca.crt", "client.crt", "client.key"))
        self._credentials = EtcdCredentials(ca, cert, Secret(key.decode()))

    def _run(self) -> None:
        asyncio.run(self._write())

    async def _write(self) -> None:
        apis = [await EtcdApi.open(HostName(one), f"{one}:2379", self._credentials) for one in self._addresses]
        for api in apis:
            # what carries the writes is watched, and no other connection
            api._gateway._missing.update(("/v3/kv/range", "/v3/maintenance/status", "/v3/cluster/member/list"))
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(self._watch(api)) for api in apis]
            while not self._up and not self._over.is_set():
                await asyncio.sleep(self._pause_s)
            number = 0
            while not self._over.is_set():
                await self._one(number)
                number += 1
                await asyncio.sleep(self._pause_s)
            for watch in watches:
                watch.cancel()
        for api in apis:
            await api.close()

    async def _watch(self, api: EtcdApi) -> None:
        """Keep in mind whether the endpoint is connected and serves writes, as a client's connection state does."""
        while True:
            try:
                status = await api.status(deadline_s=5.0)
                self.counts.terms.add(status.raft_term)
                serves = not status.learner
            except EtcdError:
                serves = False
            if serves and api not in self._up:
                self._up.append(api)
            if not serves and api in self._up:
                self._up.remove(api)
            await asyncio.sleep(0.2)

    async def _one(self, number: int) -> None:
        """One write, tried again within the time-out; once also when this client itself was too slow for that."""
        start, errors, turn = time.monotonic(), list[str](), number
        while time.monotonic() - start <= (STARVED_S if len(errors) == 1 else ELECTION_S):
            api = self._up[turn % len(self._up)] if self._up else None
            turn += 1
            if api is not None and await self._put(api, number, LAST_TRY_S if errors else FIRST_TRY_S, errors):
                self.counts.successes += 1
                self.counts.slowest_s = max(self.counts.slowest_s, time.monotonic() - start)
                if errors:
                    self.counts.retried += 1
                    self.counts.say("retried", start, errors)
                return
            await asyncio.sleep(0.01)
        self.counts.failed += 1
        self.counts.say("failed", start, errors or ["no endpoint serves writes"])

    async def _put(self, api: EtcdApi, number: int, deadline_s: float, errors: list[str]) -> bool:
        """Whether the write was acknowledged; an endpoint whose connection is gone is not used until it is back."""
        try:
            await api.put(b"load/%d" % (number % 500), b"%d" % number, deadline_s=deadline_s)
        except EtcdError as error:
            errors.append(str(error))
            if api in self._up and error.kind in LOST:
                self._up.remove(api)
            return False
        return True


class ApiReader(Load):
    """Reads a namespace through the endpoint, over a new connection each time, and never retries."""

    def __init__(self, lab: Lab, address: str, port: int, folder: Path, *, pause_s: float = 0.1) -> None:
        super().__init__()
        self._address, self._port, self._pause_s = address, port, pause_s
        folder.mkdir(parents=True, exist_ok=True)
        host = holder(lab, "/etc/kubernetes/pki/admin.key")
        for name in ("ca.crt", "admin.crt", "admin.key"):
            path = folder / name
            path.touch(0o600)
            path.write_bytes(read(lab, host, f"/etc/kubernetes/pki/{name}"))
        self._tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self._tls.load_cert_chain(folder / "admin.crt", folder / "admin.key")

    def _run(self) -> None:
        while not self._over.wait(self._pause_s):
            start = time.monotonic()
            if fault := self._error():
                self.counts.failed += 1
                self.counts.say("failed", start, [fault])
                continue
            self.counts.successes += 1
            self.counts.slowest_s = max(self.counts.slowest_s, time.monotonic() - start)

    def _error(self) -> str:
        """The error of one try; empty where it succeeded."""
        try:
            status, output = self._get()
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        return "" if status == 200 else f"status {status}: {output[:300]!r}"

    @contextmanager
    def rests(self) -> Iterator[http.client.HTTPSConnection]:
        """A connection of its own, idle after one answered read."""
        with self._connected() as connection:
            self._response(connection, "").read()
            yield connection

    @contextmanager
    def watches(self) -> Iterator[http.client.HTTPSConnection]:
        """A connection of its own, on which the namespace is watched."""
        with self._connected() as connection:
            answer = self._response(connection, "?watch=true&fieldSelector=metadata.name%3Ddefault")
            assert answer.readline()
            yield connection

    def _get(self) -> tuple[int, bytes]:
        with self._connected() as connection:
            answer = self._response(connection, "/default")
            return answer.status, answer.read()

    def _response(self, connection: http.client.HTTPSConnection, what: str) -> http.client.HTTPResponse:
        connection.request("GET", f"/api/v1/namespaces{what}")
        return connection.getresponse()

    @contextmanager
    def _connected(self) -> Iterator[http.client.HTTPSConnection]:
        connection = http.client.HTTPSConnection(self._address, self._port, timeout=15, context=self._tls)
        try:
            yield connection
        finally:
            with suppress(OSError):
                connection.close()


def holder(lab: Lab, path: str) -> str:
    """The first host that is on and has the file: one that left has its keys renamed."""
    running = (host.name for host in lab.status() if host.running)
    return next(host for host in running if lab.exec(host, "test", "-e", path).returncode == 0)


def read(lab: Lab, host: str, path: str) -> bytes:
    """A file of a host, as root."""
    output = lab.exec(host, "cat", path)
    assert output.returncode == 0, output.stderr
    return output.stdout.encode()
