"""The Kubernetes API of one API server (kubernetes.io: API Concepts): readiness, leases, nodes, changes.

Every call takes a deadline in seconds and raises KubeError with a `kind`. Without an etcd quorum the server needs 2 to
4 s for /readyz and 12 s or more to refuse a read, which is why the deadlines are long.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from functools import partial
from types import TracebackType
from urllib.parse import quote

import msgspec

from haconsole.model.names import HostName
from haconsole.transport.kube_calls import KubeCalls
from haconsole.transport.kube_client import KubeAnswer, KubeClient, Target, open_client
from haconsole.transport.kube_errors import KubeError, KubeErrorKind
from haconsole.transport.kube_objects import (
    LeaseList,
    LeaseObject,
    Node,
    NodeList,
    PlainList,
    PlainObject,
    Readiness,
    Version,
)
from haconsole.transport.kube_watch import watch_leases
from haconsole.transport.kubeconfig import KubeCredentials
from haconsole.transport.threads import in_thread

__all__ = ["KubeApi", "KubeCredentials", "KubeError", "KubeErrorKind"]

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
_JSON = "application/json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class KubeApi:
    """One API server; made by `open`."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._calls = KubeCalls(client)
        self.refusal: Callable[[], str | None] = lambda: None
        """Why the way to the server is closed now, where that is known."""

    @classmethod
    async def open(
        cls, host: HostName, target: Target, credentials: KubeCredentials, *, server_name: str = "kubernetes"
    ) -> KubeApi:
        """A client of the API server on `host`, which connects at its first call and again after a loss.

        `target` is a Unix socket (a forward) or ``address:port``; the server's certificate must name `server_name`,
        which may be an address.
        """
        return cls(await in_thread(lambda: open_client(host, target, credentials, server_name), "kube-open"))

    async def __aenter__(self) -> KubeApi:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def host(self) -> HostName:
        return self._client.host

    async def close(self) -> None:
        """End the connections; calls under way fail."""
        self._client.close()

    async def readiness(self, *, deadline_s: float = 15.0) -> Readiness:
        """The server's own report at /readyz, checks by name; it also answers without quorum, but late."""
        work = partial(self._client.get, "readyz", "/readyz?verbose", deadline_s)
        answer = await self._calls.answer("readyz", work, deadline_s)
        result = readiness_of(answer)
        if result is None:
            raise self._calls.refusal("readyz", answer)
        return result

    async def version(self, *, deadline_s: float = 15.0) -> str:
        """The server's version, like ``v1.20.2``."""
        return self._calls.decode("version", await self.get("/version", deadline_s=deadline_s), Version).git_version

    async def leases(self, namespace: str = "kube-system", *, deadline_s: float = 15.0) -> tuple[LeaseObject, ...]:
        """All Lease objects of a namespace, apiservers' signs of life included."""
        body = await self.get(_LEASES.format(quote(namespace)), deadline_s=deadline_s)
        return self._calls.decode("list leases", body, LeaseList).items

    def watch_leases(
        self, namespace: str = "kube-system", *, deadline_s: float = 15.0, silence_s: float = 75.0
    ) -> AsyncGenerator[tuple[LeaseObject, ...], None]:
        """All Lease objects of a namespace, now and again after each change of one.

        Continues after the end that servers put to a watch; raises KubeError when the server is lost. Close it
        (aclosing) to end it. `silence_s` without data, which bookmarks rule out, restarts the watch.
        """
        return watch_leases(self._client, _LEASES.format(quote(namespace)), deadline_s=deadline_s, silence_s=silence_s)

    async def metadata(
        self, resource: str, namespace: str = "kube-system", *, deadline_s: float = 15.0
    ) -> tuple[PlainObject, ...]:
        """The metadata of all objects of a namespace (`endpoints`, `configmaps`), without their data."""
        path = f"/api/v1/namespaces/{quote(namespace)}/{resource}"
        body = await self.get(path, accept=_METADATA_ONLY, deadline_s=deadline_s)
        return self._calls.decode(f"GET {path}", body, PlainList).items

    async def nodes(self, *, deadline_s: float = 15.0) -> tuple[Node, ...]:
        return self._calls.decode("list nodes", await self.get("/api/v1/nodes", deadline_s=deadline_s), NodeList).items

    async def node(self, name: str, *, deadline_s: float = 15.0) -> Node | None:
        """One node; None when there is none of that name."""
        try:
            body = await self.get(f"/api/v1/nodes/{quote(name)}", deadline_s=deadline_s)
        except KubeError as error:
            if error.kind is KubeErrorKind.NOT_FOUND:
                return None
            raise
        return self._calls.decode("get node", body, Node)

    async def get(self, path: str, *, accept: str = _JSON, packed: bool = False, deadline_s: float = 15.0) -> bytes:
        """The body behind any path, query included; a `packed` one crosses the network compressed."""
        tried = f"GET {path}"
        work = partial(self._client.get, tried, path, deadline_s, accept, packed=packed)
        return await self._calls.body(tried, work, deadline_s)

    async def send(
        self, method: str, path: str, document: object = None, *, kind: str = _JSON, deadline_s: float = 15.0
    ) -> bytes:
        """The body of the answer to a change (POST, PUT, PATCH, DELETE); KubeError unless the status is a success.

        Neither path nor error repeats `document`, which may hold a secret.
        """
        tried = f"{method} {path}"
        body = b"" if document is None else msgspec.json.encode(document)
        work = partial(self._client.send, tried, method, path, body, kind, deadline_s)
        return await self._calls.body(tried, work, deadline_s)


def readiness_of(answer: KubeAnswer) -> Readiness | None:
    """The checks in a verbose /readyz; None when the answer is no such thing (k8s.io/apiserver, pkg/server/healthz).

    Lines are like ``[+]ping ok`` and ``[-]etcd failed: reason withheld``.
    """
    lines = answer.body.decode(errors="replace").splitlines()
    checks = tuple(line for line in lines if line.startswith(("[+]", "[-]")))
    if answer.status not in (200, 500) or not checks:
        return None
    failing = tuple(line[3:].partition(" ")[0] for line in checks if line.startswith("[-]"))
    return Readiness(ready=answer.status == 200, failing=failing)
