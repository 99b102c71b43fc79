"""Kinds and texts of errors from etcd and grpc, with messages captured from both."""

from __future__ import annotations

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.etcd_errors import EtcdError, EtcdErrorKind, in_words, kind_of

AT_SOCKET = "failed to connect to all addresses; last error: UNKNOWN: unix:/run/x/1.sock: "
SAID = (
    ("UNAVAILABLE", "connection attempt timed out before receiving SETTINGS frame", "deadline"),
    ("UNAVAILABLE", "etcdserver: no leader", "no-leader"),
    ("UNAVAILABLE", "etcdserver: request timed out", "deadline"),
    ("UNAVAILABLE", "etcdserver: unhealthy cluster", "unhealthy-cluster"),
    ("UNAVAILABLE", "etcdserver: leader changed", "unavailable"),
    ("UNAVAILABLE", "etcdserver: rpc not supported for learner", "is-learner"),
    ("FAILED_PRECONDITION", "etcdserver: not leader", "not-leader"),
    ("FAILED_PRECONDITION", "etcdserver: bad leader transferee", "not-a-voter"),
    ("FAILED_PRECONDITION", "etcdserver: can only promote a learner member", "not-a-learner"),
    (
        "FAILED_PRECONDITION",
        "etcdserver: can only promote a learner member which is in sync with leader",
        "learner-not-ready",
    ),
    ("FAILED_PRECONDITION", "etcdserver: too many learner members in cluster", "too-many-learners"),
    ("FAILED_PRECONDITION", "etcdserver: member ID already exist", "exists"),
    ("FAILED_PRECONDITION", "etcdserver: Peer URLs already exists", "exists"),
    (
        "FAILED_PRECONDITION",
        "etcdserver: re-configuration failed due to not enough started members",
        "unhealthy-cluster",
    ),
    ("NOT_FOUND", "etcdserver: member not found", "not-found"),
    ("RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded", "no-space"),
    ("OUT_OF_RANGE", "etcdserver: mvcc: required revision has been compacted", "compacted"),
    ("DATA_LOSS", "etcdserver: corrupt cluster", "corrupt"),
    ("PERMISSION_DENIED", "etcdserver: permission denied", "denied"),
    ("INVALID_ARGUMENT", "etcdserver: user name is empty", "other"),
    ("UNIMPLEMENTED", "unknown method MemberPromote for service etcdserverpb.Cluster", "unsupported"),
    ("DEADLINE_EXCEEDED", "Deadline Exceeded", "deadline"),
    ("UNAVAILABLE", "Socket closed", "unavailable"),
    ("UNAVAILABLE", AT_SOCKET + "Handshake read failed (Socket closed)", "unavailable"),
    ("UNAVAILABLE", AT_SOCKET + "Failed to connect to remote host: Connection refused", "refused"),
    ("UNAVAILABLE", AT_SOCKET + "connect failed: addr: unix:/run/x/1.sock error: No such file or directory", "refused"),
    ("UNAVAILABLE", AT_SOCKET + "Unwrap failed (TSI_DATA_CORRUPTED)", "tls"),
    ("UNAVAILABLE", AT_SOCKET + "Failed to create security handshaker.", "tls"),
)


@pytest.mark.parametrize(("code", "details", "kind"), SAID)
def test_an_error_has_a_kind(code: str, details: str, kind: str) -> None:
    assert kind_of(code, details) == kind


@pytest.mark.parametrize(
    ("details", "meaning"),
    [
        (
            AT_SOCKET + "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:"
            "OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate: OK",
            "its certificate is not signed by the CA in use, or has expired",
        ),
        (
            AT_SOCKET + "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:10000412:SSL routines:"
            "OPENSSL_internal:SSLV3_ALERT_BAD_CERTIFICATE: OK",
            "it does not accept our client certificate",
        ),
        (
            AT_SOCKET + "Custom verification check failed with error: UNAUTHENTICATED: Hostname Verification Check "
            "failed.",
            "its certificate is not valid for the address that was used",
        ),
    ],
)
def test_tls_failures_are_distinguished(details: str, meaning: str) -> None:
    assert in_words(details).startswith(meaning + " (")
    assert kind_of("UNAVAILABLE", details) is EtcdErrorKind.TLS


def test_the_preamble_of_grpc_is_left_out() -> None:
    assert in_words(AT_SOCKET + "Failed to connect to remote host: Connection refused") == (
        "Failed to connect to remote host: Connection refused"
    )


@pytest.mark.parametrize("kind", EtcdErrorKind)
def test_every_error_has_host_attempt_answer_and_hint(kind: EtcdErrorKind) -> None:
    error = EtcdError(HostName("cp1"), kind, "status", "the answer")
    assert str(error) == f"cp1: etcd, status: the answer; {error.hint}"
    assert error.hint
    assert error.cause in Cause


def test_a_refused_connection_is_closed_and_may_have_been_open_before() -> None:
    missing = EtcdError(HostName("cp1"), EtcdErrorKind.UNAVAILABLE, "status", "Socket closed")
    output = missing.for_refusal("Connection refused")
    assert (output.kind, output.cause) == (EtcdErrorKind.UNAVAILABLE, Cause.REFUSED)
    assert (
        str(output)
        == "cp1: etcd, status: Connection refused; check that etcd runs on the host and listens on its client port"
    )
    assert missing.for_refusal(None) is missing


def test_what_did_not_come_of_a_closed_way_stays_as_it_is() -> None:
    denied = EtcdError(HostName("cp1"), EtcdErrorKind.DENIED, "status", "permission denied")
    assert denied.for_refusal("Connection refused") is denied
