"""Watching leases: a list, then its changes, over as many connections as it takes (kubernetes.io: API Concepts)."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec

from haconsole.transport.kube_client import KubeClient, Watch
from haconsole.transport.kube_errors import KubeError, KubeErrorKind, kind_of_status, words_of
from haconsole.transport.kube_objects import LeaseList, LeaseObject, PlainObject, WatchEvent
from haconsole.transport.threads import in_thread

_SERVER_ENDS_AFTER_S = 240
_PAUSE_S = 1.0
_TRIED = "watch leases"


class WatchedLeases(msgspec.Struct):
    """The leases after the events so far, and the revision to continue from (empty: list again)."""

    revision: str = ""
    leases: dict[str, LeaseObject] = msgspec.field(default_factory=dict)

    def all(self) -> tuple[LeaseObject, ...]:
        return tuple(self.leases.values())

    def start(self, listed: LeaseList) -> None:
        self.revision = listed.metadata.resource_version
        self.leases = {each.metadata.name: each for each in listed.items}

    def take(self, line: bytes) -> bool:
        """Apply one line of the watch; True when a lease changed. After an error of the server, list again."""
        event = msgspec.json.decode(line, type=WatchEvent)
        match event.type:
            case "ADDED" | "MODIFIED" | "DELETED":
                self._put(event.type, msgspec.json.decode(event.object, type=LeaseObject))
                return True
            case "BOOKMARK":
                object_ = msgspec.json.decode(event.object, type=PlainObject)
                self.revision = object_.metadata.resource_version
            case _:
                self.revision = ""
        return False

    def _put(self, kind: str, lease: LeaseObject) -> None:
        self.revision = lease.metadata.resource_version
        if kind == "DELETED":
            self.leases.pop(lease.metadata.name, None)
        else:
            self.leases[lease.metadata.name] = lease


class WatchEndedError(KubeError):
    """A watch that had begun broke off."""


async def watch_leases(
    client: KubeClient, path: str, *, deadline_s: float, silence_s: float
) -> AsyncGenerator[tuple[LeaseObject, ...], None]:
    """See `KubeApi.watch_leases`."""
    leases, loop = WatchedLeases(), asyncio.get_running_loop()
    while True:
        if not leases.revision:
            leases.start(await _listed(client, path, deadline_s))
            yield leases.all()
        began = loop.time()
        try:
            async with _lines(client, _query(path, leases.revision), silence_s) as lines:
                async for line in lines:
                    if leases.take(line):
                        yield leases.all()
                    if not leases.revision:
                        break
        except KubeError as error:
            if error.kind is KubeErrorKind.GONE:
                leases.revision = ""
            elif not isinstance(error, WatchEndedError):
                raise
        except msgspec.DecodeError as error:
            raise KubeError(client.host, KubeErrorKind.UNREADABLE, _TRIED, str(error)) from None
        await asyncio.sleep(max(0.0, began + _PAUSE_S - loop.time()))


async def _listed(client: KubeClient, path: str, deadline_s: float) -> LeaseList:
    answer = await in_thread(lambda: client.get("list leases", path, deadline_s), "kube-list")
    if answer.status != 200:
        words = words_of(answer.status, answer.body)
        raise KubeError(client.host, kind_of_status(answer.status), "list leases", words)
    try:
        return msgspec.json.decode(answer.body, type=LeaseList)
    except msgspec.DecodeError as error:
        raise KubeError(client.host, KubeErrorKind.UNREADABLE, "list leases", str(error)) from None


def _query(path: str, revision: str) -> str:
    return f"{path}?watch=1&allowWatchBookmarks=true&timeoutSeconds={_SERVER_ENDS_AFTER_S}&resourceVersion={revision}"


@contextlib.asynccontextmanager
async def _lines(client: KubeClient, path: str, silence_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
    """The lines of one watch as they come; leaving the block ends it and its thread."""
    watch = await in_thread(lambda: client.watch(_TRIED, path, silence_s), "kube-watch")
    queue: asyncio.Queue[bytes | KubeError | None] = asyncio.Queue()
    reader = threading.Thread(
        target=_read, args=(watch, asyncio.get_running_loop(), queue), name="kube-watch", daemon=True
    )
    reader.start()
    try:
        yield _chunks(queue)
    finally:
        watch.interrupt()


def _read(watch: Watch, loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[bytes | KubeError | None]) -> None:
    """Runs in the thread: every line into the queue, last None or how it broke off."""
    end: KubeError | None = None
    with contextlib.suppress(RuntimeError):
        try:
            for line in watch:
                loop.call_soon_threadsafe(queue.put_nowait, line)
        except KubeError as error:
            end = WatchEndedError(error.host, error.kind, _TRIED, error.detail)
        loop.call_soon_threadsafe(queue.put_nowait, end)


async def _chunks(queue: asyncio.Queue[bytes | KubeError | None]) -> AsyncIterator[bytes]:
    while True:
        item = await queue.get()
        if item is None:
            return
        if isinstance(item, KubeError):
            raise item
        yield item
