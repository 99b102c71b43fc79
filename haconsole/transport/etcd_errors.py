"""Errors of an etcd server or of the connection to it: sorted into kinds, each with a message for the operator."""

from __future__ import annotations

import re
from enum import StrEnum

from haconsole.model.observed import Cause
from haconsole.transport.service_error import ServiceError, Vocabulary


class EtcdErrorKind(StrEnum):
    """The reason why etcd gave no answer, as kinds that a caller handles differently."""

    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    TLS = "tls"
    DENIED = "denied"
    NO_LEADER = "no-leader"
    UNHEALTHY_CLUSTER = "unhealthy-cluster"
    NOT_FOUND = "not-found"
    EXISTS = "exists"
    LEARNER_NOT_READY = "learner-not-ready"
    NOT_A_LEARNER = "not-a-learner"
    TOO_MANY_LEARNERS = "too-many-learners"
    IS_LEARNER = "is-learner"
    NOT_LEADER = "not-leader"
    NOT_A_VOTER = "not-a-voter"
    NO_SPACE = "no-space"
    CORRUPT = "corrupt"
    COMPACTED = "compacted"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


_CAUSES: dict[str, Cause] = {
    EtcdErrorKind.REFUSED: Cause.REFUSED,
    EtcdErrorKind.UNAVAILABLE: Cause.CONNECTION_LOST,
    EtcdErrorKind.DEADLINE: Cause.TIMED_OUT,
    EtcdErrorKind.TLS: Cause.AUTH_FAILED,
    EtcdErrorKind.DENIED: Cause.AUTH_FAILED,
}

_MENDS: dict[str, str] = {
    EtcdErrorKind.REFUSED: "check that etcd runs on the host and listens on its client port",
    EtcdErrorKind.UNAVAILABLE: "check that etcd runs on the host and accepts this client certificate, then retry",
    EtcdErrorKind.DEADLINE: "check the member's disk, load and peers",
    EtcdErrorKind.TLS: "compare the CA and the client certificate with the ones etcd was started with",
    EtcdErrorKind.DENIED: "use a client certificate whose user may do this",
    EtcdErrorKind.NO_LEADER: "start members until a majority of the voters runs",
    EtcdErrorKind.UNHEALTHY_CLUSTER: "wait until all started members are connected, at least 5 s after a start",
    EtcdErrorKind.NOT_FOUND: "read the member list again",
    EtcdErrorKind.EXISTS: "query the member list again: the list already has the member or its peer URL",
    EtcdErrorKind.LEARNER_NOT_READY: "wait until the learner has caught up with the leader, and promote it again",
    EtcdErrorKind.NOT_A_LEARNER: "query the member list again: the member is already a voter",
    EtcdErrorKind.TOO_MANY_LEARNERS: "promote or remove the existing learner first",
    EtcdErrorKind.IS_LEARNER: "query a voting member",
    EtcdErrorKind.NOT_LEADER: "query the leader",
    EtcdErrorKind.NOT_A_VOTER: "choose a voting member of the list",
    EtcdErrorKind.NO_SPACE: "compact, defragment one member at a time, then disarm the alarm",
    EtcdErrorKind.CORRUPT: "find the corrupt member, remove it and join its host again",
    EtcdErrorKind.COMPACTED: "query a newer revision",
    EtcdErrorKind.UNSUPPORTED: "this etcd is too old for the request: upgrade etcd to 3.4 or newer",
    EtcdErrorKind.OTHER: "read etcd's journal on that host",
}


class EtcdError(ServiceError[EtcdErrorKind]):
    """etcd on `host` did not perform the request; `detail` is its answer, unshortened."""

    words = Vocabulary("etcd", _CAUSES, _MENDS)


_BY_WORDS = (
    ("no leader", EtcdErrorKind.NO_LEADER),
    ("unhealthy cluster", EtcdErrorKind.UNHEALTHY_CLUSTER),
    ("not enough started members", EtcdErrorKind.UNHEALTHY_CLUSTER),
    ("in sync with leader", EtcdErrorKind.LEARNER_NOT_READY),
    ("can only promote a learner", EtcdErrorKind.NOT_A_LEARNER),
    ("too many learner", EtcdErrorKind.TOO_MANY_LEARNERS),
    ("not supported for learner", EtcdErrorKind.IS_LEARNER),
    ("already exist", EtcdErrorKind.EXISTS),
    ("not leader", EtcdErrorKind.NOT_LEADER),
    ("bad leader transferee", EtcdErrorKind.NOT_A_VOTER),
    ("space exceeded", EtcdErrorKind.NO_SPACE),
    ("corrupt", EtcdErrorKind.CORRUPT),
    ("has been compacted", EtcdErrorKind.COMPACTED),
    ("request timed out", EtcdErrorKind.DEADLINE),
)

_TLS_MEANINGS = (
    ("certificate is not valid for", "its certificate is not valid for the address that was used"),
    ("wrong_version_number", "it does not speak TLS on this port"),
    ("certificate_verify_failed", "its certificate is not signed by the CA in use, or has expired"),
    ("hostname verification", "its certificate is not valid for the address that was used"),
    ("security handshaker", "the CA, client certificate or key in use cannot be read"),
    ("alert", "it does not accept our client certificate"),
    ("tsi_", "it refuses our client certificate, or requires one and got none"),
)

_CONNECTING = re.compile(r"^failed to connect to all addresses; last error: [A-Z_]+: (?:unix|ipv[46]):\S+: ")

_BY_CODE = {
    "DEADLINE_EXCEEDED": EtcdErrorKind.DEADLINE,
    "NOT_FOUND": EtcdErrorKind.NOT_FOUND,
    "PERMISSION_DENIED": EtcdErrorKind.DENIED,
    "UNAUTHENTICATED": EtcdErrorKind.DENIED,
    "UNIMPLEMENTED": EtcdErrorKind.UNSUPPORTED,
    "DATA_LOSS": EtcdErrorKind.CORRUPT,
    "UNAVAILABLE": EtcdErrorKind.UNAVAILABLE,
}


def kind_of(code: str, details: str) -> EtcdErrorKind:
    """The kind behind a gRPC status.

    `code` is the status code's name; `details` its message: etcd's own starts with ``etcdserver:`` (rpctypes/error.go),
    any other was made by gRPC on this side.
    """
    words = details.lower()
    if words.startswith("etcdserver:"):
        kinds = (kind for phrase, kind in _BY_WORDS if phrase in words)
        return next(kinds, _BY_CODE.get(code, EtcdErrorKind.OTHER))
    if code == "UNAVAILABLE":
        return _of_connection(_CONNECTING.sub("", details).lower())
    return _BY_CODE.get(code, EtcdErrorKind.OTHER)


def in_words(details: str) -> str:
    """gRPC's message without its preamble, and what a TLS failure means before what the library called it."""
    details = _CONNECTING.sub("", details)
    meaning = _tls_meaning(details.lower())
    return f"{meaning} ({details})" if meaning else details


def _tls_meaning(words: str) -> str | None:
    return next((meaning for phrase, meaning in _TLS_MEANINGS if phrase in words), None)


def _of_connection(words: str) -> EtcdErrorKind:
    if _tls_meaning(words):
        return EtcdErrorKind.TLS
    if "timed out" in words:
        return EtcdErrorKind.DEADLINE
    refused = "refused" in words or "no such file" in words
    return EtcdErrorKind.REFUSED if refused else EtcdErrorKind.UNAVAILABLE
