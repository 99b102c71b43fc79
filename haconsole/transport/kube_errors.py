"""Errors of an API server or of the connection to it: sorted into kinds, each with a message for the operator."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.model.observed import Cause
from haconsole.transport.kube_objects import Status
from haconsole.transport.service_error import ServiceError, Vocabulary


class KubeErrorKind(StrEnum):
    """The reason why the API gave no answer, as kinds that a caller handles differently."""

    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    TLS = "tls"
    DENIED = "denied"
    NOT_FOUND = "not-found"
    GONE = "gone"
    EXISTS = "exists"
    TOO_MANY = "too-many"
    SERVER = "server"
    UNREADABLE = "unreadable"
    OTHER = "other"


_CAUSES: dict[str, Cause] = {
    KubeErrorKind.REFUSED: Cause.REFUSED,
    KubeErrorKind.UNAVAILABLE: Cause.CONNECTION_LOST,
    KubeErrorKind.DEADLINE: Cause.TIMED_OUT,
    KubeErrorKind.TLS: Cause.AUTH_FAILED,
    KubeErrorKind.DENIED: Cause.AUTH_FAILED,
    KubeErrorKind.UNREADABLE: Cause.UNREADABLE,
}

_MENDS: dict[str, str] = {
    KubeErrorKind.REFUSED: "check that kube-apiserver runs on the host and listens on its port",
    KubeErrorKind.UNAVAILABLE: "check that kube-apiserver runs on the host, then retry",
    KubeErrorKind.DEADLINE: "check etcd first: without quorum the apiserver answers late or not at all",
    KubeErrorKind.TLS: "compare the CA and the client certificate of the kubeconfig with the apiserver's",
    KubeErrorKind.DENIED: "use the kubeconfig of an administrator, and see that its certificate has not expired",
    KubeErrorKind.NOT_FOUND: "check that this version of Kubernetes has the resource",
    KubeErrorKind.GONE: "list again",
    KubeErrorKind.EXISTS: "the object exists already, or was changed meanwhile: retry",
    KubeErrorKind.TOO_MANY: "retry later; an eviction waits for its PodDisruptionBudget",
    KubeErrorKind.SERVER: "check etcd first, then read kube-apiserver's journal",
    KubeErrorKind.UNREADABLE: "check that the process on the port is kube-apiserver",
    KubeErrorKind.OTHER: "read kube-apiserver's journal on that host",
}


class KubeError(ServiceError[KubeErrorKind]):
    """The API server on `host` did not perform the request; `detail` is its answer."""

    words = Vocabulary("kube-apiserver", _CAUSES, _MENDS)


def kind_of_status(status: int) -> KubeErrorKind:
    """The kind behind an HTTP status that is no success."""
    match status:
        case 401 | 403:
            return KubeErrorKind.DENIED
        case 404:
            return KubeErrorKind.NOT_FOUND
        case 409:
            return KubeErrorKind.EXISTS
        case 429:
            return KubeErrorKind.TOO_MANY
        case 410:
            return KubeErrorKind.GONE
        case 504:
            return KubeErrorKind.DEADLINE
        case _ if status >= 500:
            return KubeErrorKind.SERVER
        case _:
            return KubeErrorKind.OTHER


def words_of(status: int, body: bytes) -> str:
    """The server's error: the message of its Status object, otherwise the start of the body, otherwise the number."""
    try:
        message = msgspec.json.decode(body, type=Status).message
    except msgspec.DecodeError:
        message = " ".join(body.decode(errors="replace").split())[:300]
    return f"{message} ({status})" if message else f"status {status}"


def kind_of_words(words: str) -> KubeErrorKind:
    """The kind behind a failure on this side of the connection, by the library's message.

    An end within the handshake is what a forward over SSH makes of a port without a listener, and of a server that
    stops: the two cannot be distinguished here.
    """
    lower = words.lower()
    if "eof" in lower:
        return KubeErrorKind.UNAVAILABLE
    if "timed out" in lower or "timeout" in lower:
        return KubeErrorKind.DEADLINE
    if "ssl" in lower or "certificate" in lower or "tls" in lower or "hostname" in lower:
        return KubeErrorKind.TLS
    refused = "refused" in lower or "no such file" in lower
    return KubeErrorKind.REFUSED if refused else KubeErrorKind.UNAVAILABLE
