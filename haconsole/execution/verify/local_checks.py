"""Compares the state of hosts with a check, without I/O: a sentence for each difference, none if it holds."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import assert_never

from haconsole.actions.checks import CertificateInPlace, FileIs, FilesAbsent, ServiceRunning
from haconsole.actions.operations import (
    EnsureAuthority,
    EnsureKeyPair,
    IssueCertificate,
    PairForm,
    TrustAuthority,
    WriteFile,
)
from haconsole.actions.step import Step
from haconsole.errors import HaconsoleError
from haconsole.execution.host.host_query import (
    FileState,
    HostAnswers,
    HostQuery,
    QueryKind,
    content_of,
    file_state,
    unit_state,
)
from haconsole.execution.secrets import fill_in
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.pki.bundle import fingerprint_of, load_certificate, public_key_of
from haconsole.pki.errors import PkiError
from haconsole.pki.keys import load_public_key, public_pem, same_public_key
from haconsole.pki.leaf import Leaf, leaf_problems

LocalCheck = FileIs | FilesAbsent | ServiceRunning | CertificateInPlace
Problems = tuple[str, ...]
OPEN_TO_OTHERS = 0o077


def queries(check: LocalCheck, step: Step) -> tuple[HostQuery, ...]:
    """The queries of the step's host that `check` needs."""
    match check:
        case FileIs():
            return (HostQuery(QueryKind.FILE, check.path),)
        case FilesAbsent():
            return tuple(HostQuery(QueryKind.ABSENT, path) for path in check.paths)
        case ServiceRunning():
            written_queries = tuple(HostQuery(QueryKind.WRITTEN, path) for path in check.newer_than)
            return (HostQuery(QueryKind.UNIT, check.unit), *written_queries)
        case CertificateInPlace():
            issue = issue_of(step)
            return (
                _certificate_query(issue),
                HostQuery(QueryKind.CONTENT, issue.authority_cert_path),
                HostQuery(QueryKind.PUBLIC, issue.key_path),
                HostQuery(QueryKind.STAT, issue.key_path),
            )
        case _:
            assert_never(check)


def judge(check: LocalCheck, step: Step, answers: HostAnswers, inventory: Inventory, now: datetime) -> Problems:
    """The reason why `check` fails, by the answers of the step's host."""
    match check:
        case FileIs():
            return _file(check, step, answers, inventory)
        case FilesAbsent():
            there = [path for path in check.paths if answers[HostQuery(QueryKind.ABSENT, path)] != "yes"]
            return (f"{', '.join(there)}: {check.problem}",) if there else ()
        case ServiceRunning():
            return _service(check, answers)
        case CertificateInPlace():
            return _certificate(issue_of(step), answers, now)
        case _:
            assert_never(check)


def _certificate_query(issue: IssueCertificate) -> HostQuery:
    """Of a file that holds the key too, only the certificate is queried."""
    kind = QueryKind.CONTENT if issue.form is PairForm.FILES else QueryKind.CERTIFICATES
    return HostQuery(kind, issue.cert_path)


def issue_of(step: Step) -> IssueCertificate:
    if not isinstance(step.operation, IssueCertificate):
        raise HaconsoleError(f"step {step.id} checks a certificate that it does not issue", hint="fix the planner")
    return step.operation


def wanted_leaf(issue: IssueCertificate) -> Leaf:
    return Leaf(issue.common_name, issue.organizations, issue.sans, issue.usages)


def shared_queries(operation: EnsureAuthority | EnsureKeyPair, *, keys: bool) -> tuple[HostQuery, ...]:
    """The queries of every host that shares an authority or key pair; `keys`: their keys belong there too."""
    if isinstance(operation, EnsureAuthority):
        public, private = operation.cert_path, operation.key_path
    else:
        public, private = operation.public_path, operation.private_path
    key_queries = (HostQuery(QueryKind.PUBLIC, private), HostQuery(QueryKind.STAT, private)) if keys else ()
    return (HostQuery(QueryKind.CONTENT, public), *key_queries)


def judge_shared(
    operation: EnsureAuthority | EnsureKeyPair, answers_by_host: dict[str, HostAnswers], *, keys: bool
) -> Problems:
    """The reason why the hosts do not all have the same authority or key pair; `answers_by_host` holds each host's
    answers.
    """
    problems: list[str] = []
    identities: dict[str, list[str]] = {}
    for host, answers in answers_by_host.items():
        try:
            identity, wrong = _shared_on(operation, answers, keys=keys)
        except PkiError as error:
            identity, wrong = None, (error.what,)
        problems += [f"{host}: {problem}" for problem in wrong]
        if identity is not None:
            identities.setdefault(identity, []).append(host)
    if len(identities) > 1:
        identity_list = "; ".join(f"{', '.join(hosts)}: SHA-256 {identity}" for identity, hosts in identities.items())
        problems.append(f"the hosts differ: {identity_list}")
    return tuple(problems)


def judge_trusted(operation: TrustAuthority, host: str, content_by_host: dict[HostName, str]) -> Problems:
    """The reason why `host` does not have the CA's certificate; `content_by_host` holds its answers and those of the
    CA's own hosts.
    """
    try:
        prints = {
            one: fingerprint_of(pem) for one, line in content_by_host.items() if (pem := content_of(line)) is not None
        }
    except PkiError as error:
        return (f"{error.what} ({operation.cert_path})",)
    missing = tuple(
        f"{one}: the certificate of the CA {operation.authority} is missing" for one in content_by_host.keys() - prints
    )
    other = [one for one, value in prints.items() if value != prints.get(HostName(host))]
    return missing or ((f"{host}: {operation.cert_path} is not the CA that {', '.join(other)} has",) if other else ())


def _shared_on(
    operation: EnsureAuthority | EnsureKeyPair, answers: HostAnswers, *, keys: bool
) -> tuple[str | None, Problems]:
    """One host's files: their fingerprint, and their problem there."""
    shared = shared_queries(operation, keys=keys)
    public = content_of(answers[shared[0]])
    if public is None:
        return None, (f"{shared[0].subject} is missing",)
    authority = isinstance(operation, EnsureAuthority)
    own = public_pem(public_key_of(load_certificate(public)) if authority else load_public_key(public))
    identity = fingerprint_of(public) if authority else sha256(own).hexdigest()
    if not keys:
        return identity, ()
    path = shared[1].subject
    key, place = content_of(answers[shared[1]]), file_state(answers[shared[2]])
    if place is None:
        return identity, (f"{path} is missing",)
    if key is None:
        return identity, (f"{path} contains no key that openssl can read",)
    other = () if same_public_key(key, own) else (f"{path} does not match its certificate or public key",)
    return identity, other + _key_place(path, place, "root:root")


def _key_place(path: str, state: FileState, owner: str) -> Problems:
    """The problem of a private key's file: readable by others, wrong owner."""
    open_to = (f"{path} is readable by others, mode {state.mode:04o}",) if state.mode & OPEN_TO_OTHERS else ()
    return open_to + ((f"{path} belongs to {state.owner}, not to {owner}",) if state.owner != owner else ())


def _file(check: FileIs, step: Step, answers: HostAnswers, inventory: Inventory) -> Problems:
    state = file_state(answers[HostQuery(QueryKind.FILE, check.path)])
    if state is None:
        return (f"{check.path} is missing",)
    problems: list[str] = []
    if state.sha256 != _expected(check, step, inventory):
        problems.append(f"{check.path} has other content")
    if state.mode != check.mode:
        problems.append(f"{check.path} has mode {state.mode:04o}, not {check.mode:04o}")
    if state.owner != check.owner:
        problems.append(f"{check.path} belongs to {state.owner}, not to {check.owner}")
    return tuple(problems)


def _expected(check: FileIs, step: Step, inventory: Inventory) -> str:
    """The expected digest of the file: the plan's, for the content with its secrets filled in."""
    operation = step.operation
    if not isinstance(operation, WriteFile) or operation.path != check.path:
        return check.sha256
    if sha256(operation.content.encode()).hexdigest() != check.sha256:
        return check.sha256
    return sha256(fill_in(operation.content, inventory).encode()).hexdigest()


def _service(check: ServiceRunning, answers: HostAnswers) -> Problems:
    state = unit_state(answers[HostQuery(QueryKind.UNIT, check.unit)])
    if state.active != "active":
        return (f"{check.unit} is {state.active} ({state.sub})",)
    if not state.enabled.startswith(("enabled", "static", "generated", "alias")):
        return (f"{check.unit} is {state.enabled or 'not enabled'}: it would not start when the host boots",)
    since = state.changed_at if check.reloads else state.started_at
    late: list[str] = []
    for path in check.newer_than:
        written_at = answers[HostQuery(QueryKind.WRITTEN, path)]
        if written_at != "-" and (since is None or float(written_at) > since):
            late.append(path)
    return (f"{check.unit} has not been restarted since {', '.join(late)} was written",) if late else ()


def _certificate(issue: IssueCertificate, answers: HostAnswers, now: datetime) -> Problems:
    certificate = content_of(answers[_certificate_query(issue)])
    authority = content_of(answers[HostQuery(QueryKind.CONTENT, issue.authority_cert_path)])
    place = file_state(answers[HostQuery(QueryKind.STAT, issue.key_path)])
    key = content_of(answers[HostQuery(QueryKind.PUBLIC, issue.key_path)])
    there = ((issue.cert_path, certificate), (issue.authority_cert_path, authority), (issue.key_path, place))
    missing = tuple(f"{path} is missing" for path, content in there if content is None)
    if certificate is None or authority is None or place is None:
        return missing
    if key is None:
        return (f"{issue.key_path} contains no key that openssl can read",)
    try:
        problems = leaf_problems(certificate, wanted_leaf(issue), authority=authority, public_key=key, now=now)
    except PkiError as error:
        problems = (error.what,)
    if issue.replaces and fingerprint_of(certificate) == issue.replaces:
        problems = ("the certificate is not replaced yet", *problems)
    problem_texts = tuple(f"{issue.cert_path}: {problem}" for problem in problems)
    return problem_texts + _key_place(issue.key_path, place, issue.owner)
