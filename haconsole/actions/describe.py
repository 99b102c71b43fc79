"""Operations and undos in the words of a person, one line each; what a plan shows is what a step does."""

from __future__ import annotations

import shlex
from typing import assert_never

from haconsole.actions.operations import (
    EnsureAuthority,
    EnsureKeyPair,
    Irreversible,
    IssueCertificate,
    Nothing,
    Operation,
    PutBack,
    RunCommand,
    TrustAuthority,
    Undo,
    WriteFile,
)


def operation_line(operation: Operation) -> str:
    """What will be done: the command as a shell would take it, or a sentence for what is not a command."""
    match operation:
        case RunCommand(argv=argv):
            return shlex.join(argv)
        case WriteFile(path=path, content=content, mode=mode, owner=owner):
            return f"write {path} ({len(content.encode())} bytes, mode {mode:04o}, {owner})"
        case EnsureAuthority(authority=authority, cert_path=cert, key_path=key, hosts=hosts):
            return f"have one CA {authority} on {', '.join(hosts)}: {cert}, {key}"
        case TrustAuthority(authority=authority, cert_path=cert):
            return f"copy the certificate of the CA {authority} to {cert}"
        case EnsureKeyPair(public_path=public, private_path=private, hosts=hosts):
            return f"have one RSA key pair on {', '.join(hosts)}: {public}, {private}"
        case IssueCertificate():
            return _issue(operation)
        case Nothing():
            return "check only"
        case _:
            assert_never(operation)


def undo_line(undo: Undo | None) -> str | None:
    """How a step is taken back; None where the plan does not say."""
    match undo:
        case None:
            return None
        case RunCommand(argv=argv):
            return shlex.join(argv)
        case PutBack(paths=paths):
            return f"put back what stood at {', '.join(paths)}"
        case Irreversible(reason=reason):
            return f"cannot be taken back: {reason}"
        case _:
            assert_never(undo)


def _issue(issue: IssueCertificate) -> str:
    subject = ",".join((*(f"O={one}" for one in issue.organizations), f"CN={issue.common_name}"))
    names = f" for {', '.join(issue.sans)}" if issue.sans else ""
    usages = " and ".join(issue.usages)
    asked = f"have {issue.authority} sign {issue.cert_path} ({subject}, {usages}){names}"
    return f"{asked}; its key {issue.key_path} is made here"
