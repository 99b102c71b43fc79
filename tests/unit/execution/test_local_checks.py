"""Observed states of hosts against the checks."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from haconsole.actions.checks import CertificateInPlace, Check, FileIs, FilesAbsent, ServiceRunning
from haconsole.actions.operations import EnsureAuthority, EnsureKeyPair, IssueCertificate, Nothing, Operation, WriteFile
from haconsole.actions.step import Step
from haconsole.errors import HaconsoleError
from haconsole.execution.host.host_query import HostAnswers
from haconsole.execution.verify.local_checks import (
    LocalCheck,
    Problems,
    judge,
    judge_shared,
    queries,
    shared_queries,
    wanted_leaf,
)
from haconsole.inventory.schema import Inventory, KeyAlgorithm, VirtualIp
from haconsole.model.names import HostName, StepId
from haconsole.model.secret import Secret
from haconsole.pki.authority import Authority, make_authority
from haconsole.pki.keys import PrivateKey, make_private_key, make_token_keys
from haconsole.pki.leaf import sign_leaf

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CP1 = HostName("cp1")
INVENTORY = Inventory(cluster="lab", hosts=(), vips=(VirtualIp(address="10.99.0.100", auth_pass=Secret("s3cret")),))
DIGEST = sha256(b"content").hexdigest()
FILE = FileIs("/etc/x", DIGEST, 0o640, "root:root")
ECDSA = KeyAlgorithm.ECDSA_P256
ISSUE = IssueCertificate("etcd", "/ca.crt", "/ca.key", "/x.crt", "/x.key", "cp1", (), ("DNS:cp1",), ("server",))
CA = EnsureAuthority("etcd", "etcd-ca", "/ca.crt", "/ca.key", (CP1, HostName("cp2")))
PAIR = EnsureKeyPair("/sa.pub", "/sa.key", (CP1, HostName("cp2")))


def step(operation: Operation = Nothing()) -> Step:  # noqa: B008 -- a frozen value
    return Step(StepId("s"), "t", "w", CP1, operation)


def verdict(check: LocalCheck, *lines: str, operation: Operation = Nothing(), now: datetime = NOW) -> Problems:  # noqa: B008
    """Judge `check` by the lines a host answered with."""
    request = queries(check, step(operation))
    return judge(check, step(operation), dict(zip(request, lines, strict=True)), INVENTORY, now)


def text(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.mark.parametrize(
    ("line", "problems"),
    [
        (f"640 root:root {DIGEST}", ()),
        ("-", ("/etc/x is missing",)),
        (f"640 root:root {'0' * 64}", ("/etc/x has other content",)),
        (f"644 root:root {DIGEST}", ("/etc/x has mode 0644, not 0640",)),
        (f"640 etcd:etcd {DIGEST}", ("/etc/x belongs to etcd:etcd, not to root:root",)),
    ],
)
def test_a_file(line: str, problems: Problems) -> None:
    assert verdict(FILE, line) == problems


def test_a_file_that_names_a_secret_must_hold_it() -> None:
    content = "pass @secret:vrrp-auth/10.99.0.100@"
    operation = WriteFile("/etc/x", content, 0o640)
    check = FileIs("/etc/x", sha256(content.encode()).hexdigest(), 0o640, "root:root")
    filled = sha256(b"pass s3cret").hexdigest()
    assert verdict(check, f"640 root:root {filled}", operation=operation) == ()
    assert verdict(check, f"640 root:root {check.sha256}", operation=operation) == ("/etc/x has other content",)


def test_leftovers_are_named() -> None:
    check = FilesAbsent(("/a", "/b", "/c"), "an earlier cluster's data")
    assert verdict(check, "yes", "yes", "yes") == ()
    assert verdict(check, "no", "yes", "no") == ("/a, /c: an earlier cluster's data",)


RUNNING = (
    "ActiveState=active SubState=running UnitFileState=enabled ExecMainStartTimestampMonotonic=90000000 Up=100 Now=1000"
)


@pytest.mark.parametrize(
    ("unit", "text", "problems"),
    [
        (RUNNING, "989.9", ()),
        (RUNNING, "-", ()),
        (RUNNING, "990.1", ("etcd.service has not been restarted since /etc/x was written",)),
        (RUNNING.replace("=active", "=activating"), "1", ("etcd.service is activating (running)",)),
        (
            RUNNING.replace("enabled", "disabled"),
            "1",
            ("etcd.service is disabled: it would not start when the host boots",),
        ),
    ],
)
def test_a_service(unit: str, text: str, problems: Problems) -> None:
    assert verdict(ServiceRunning("etcd.service", ("/etc/x",)), unit, text) == problems


def authority(now: datetime = NOW) -> Authority:
    return make_authority("etcd-ca", algorithm=ECDSA, days=3650, now=now)


def signed(ca: Authority, key: PrivateKey) -> bytes:
    return sign_leaf(ca, wanted_leaf(ISSUE), key.load().public_key(), days=365, now=NOW)


def test_a_certificate() -> None:
    ca, key = authority(), make_private_key(ECDSA)
    crt, public = text(signed(ca, key)), text(key.public_pem())

    def problems_of(*lines: str, now: datetime = NOW) -> Problems:
        return verdict(CertificateInPlace(), *lines, operation=ISSUE, now=now)

    good = (crt, text(ca.certificate), public, "600 root:root")
    assert problems_of(*good) == ()
    assert problems_of("-", "-", "-", "-") == ("/x.crt is missing", "/ca.crt is missing", "/x.key is missing")
    assert problems_of(*good[:2], "", good[3]) == ("/x.key contains no key that openssl can read",)
    assert problems_of(*good[:3], "640 root:etcd") == (
        "/x.key is readable by others, mode 0640",
        "/x.key belongs to root:etcd, not to root:root",
    )
    assert problems_of(text(b"nonsense"), *good[1:]) == ("/x.crt: it contains no readable certificate",)
    assert problems_of(crt, text(authority().certificate), *good[2:]) == (
        "/x.crt: it was not signed by the CA in use, CN=etcd-ca",
    )
    assert len(problems_of(*good, now=NOW + timedelta(days=340))) == 1


def test_a_certificate_check_belongs_to_a_step_that_issues() -> None:
    with pytest.raises(HaconsoleError, match="checks a certificate that it does not issue"):
        queries(CertificateInPlace(), step())


def answers(operation: EnsureAuthority | EnsureKeyPair, *lines: str, keys: bool = True) -> HostAnswers:
    return dict(zip(shared_queries(operation, keys=keys), lines, strict=True))


def test_an_authority_on_two_hosts() -> None:
    ca, other = authority(), authority()
    good = (text(ca.certificate), text(ca.key.public_pem()), "600 root:root")

    def problems_of(second: tuple[str, ...]) -> Problems:
        return judge_shared(CA, {"cp1": answers(CA, *good), "cp2": answers(CA, *second)}, keys=True)

    assert problems_of(good) == ()
    assert problems_of(("-", "-", "-")) == ("cp2: /ca.crt is missing",)
    assert problems_of((good[0], "-", "-")) == ("cp2: /ca.key is missing",)
    assert problems_of((*good[:2], "644 root:root")) == ("cp2: /ca.key is readable by others, mode 0644",)
    assert problems_of((good[0], text(other.key.public_pem()), good[2])) == (
        "cp2: /ca.key does not match its certificate or public key",
    )
    assert problems_of((text(other.certificate), text(other.key.public_pem()), good[2])) == (
        f"the hosts differ: cp1: SHA-256 {ca.fingerprint}; cp2: SHA-256 {other.fingerprint}",
    )


def test_without_its_key_on_hosts_an_authority_is_its_certificate() -> None:
    ca = authority()
    reading = {"cp1": answers(CA, text(ca.certificate), keys=False)}
    assert judge_shared(CA, reading, keys=False) == ()


def test_a_key_pair_on_two_hosts() -> None:
    pair, other = make_token_keys(), make_token_keys()
    good = answers(PAIR, text(pair.public), text(pair.public), "600 root:root")
    assert judge_shared(PAIR, {"cp1": good, "cp2": good}, keys=True) == ()
    bad = answers(PAIR, text(other.public), text(other.public), "600 root:root")
    (problem,) = judge_shared(PAIR, {"cp1": good, "cp2": bad}, keys=True)
    assert problem.startswith("the hosts differ: cp1: SHA-256 ")


def test_every_local_check_is_covered_here() -> None:
    covered: set[type[Check]] = {FileIs, FilesAbsent, ServiceRunning, CertificateInPlace}
    assert covered == set(LocalCheck.__args__)
