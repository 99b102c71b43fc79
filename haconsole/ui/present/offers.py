"""Which actions to offer, and what of them is filled in already by what a person stands on."""

from __future__ import annotations

from haconsole.actions.catalogue import Action, ArgumentKind
from haconsole.model.findings import Finding
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.ui.present.palette import Command
from haconsole.ui.present.standing import host_of
from haconsole.ui.present.subjects import FindingSubject, Subject


def offered(
    actions: tuple[Action, ...],
    subject: Subject | None,
    snapshot: ClusterSnapshot | None,
    findings: tuple[Finding, ...],
) -> tuple[Command, ...]:
    """The actions as commands: those a finding under the cursor names, those for its host, then the others."""
    host = host_of(subject, snapshot)
    named = _named_by(subject, findings)

    def rank(action: Action) -> int:
        takes_host = any(argument.kind is ArgumentKind.HOST for argument in action.arguments)
        return 0 if action.name in named else 1 if host is not None and takes_host else 2

    return tuple(
        Command(action.title, f"act('{action.name}')", action.help, "helps" if rank(action) == 0 else host or "")
        if rank(action) < 2
        else Command(action.title, f"act('{action.name}')", action.help)
        for action in sorted(actions, key=rank)
    )


def given_by(action: Action, host: HostName | None) -> dict[str, str]:
    """What of the form is filled in by the host under the cursor: the first argument that takes a host."""
    taker = next((argument.name for argument in action.arguments if argument.kind is ArgumentKind.HOST), None)
    return {taker: host} if taker is not None and host is not None else {}


def _named_by(subject: Subject | None, findings: tuple[Finding, ...]) -> frozenset[str]:
    """The actions in the ``haconsole run …`` lines of the finding under the cursor."""
    if not isinstance(subject, FindingSubject):
        return frozenset()
    found = next((each for each in findings if (each.code, each.subject) == (subject.code, subject.subject)), None)
    words = (line.split() for line in (found.actions if found else ()))
    return frozenset(line[index + 1] for line in words for index, word in enumerate(line[:-1]) if word == "run")
