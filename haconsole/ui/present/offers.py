"""Which actions to offer, and what of them is filled in already by what a person stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from haconsole.actions.catalogue import Action, Argument, ArgumentKind
from haconsole.model.findings import Finding
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.ui.present.fields import SET, in_fields
from haconsole.ui.present.palette import Command
from haconsole.ui.present.standing import host_of
from haconsole.ui.present.subjects import FindingSubject, Subject

ENDS = ":,;."
"""What ends a command line within a sentence."""


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
        Command(
            action.title,
            f"act('{action.name}')",
            in_fields(action.help),
            ("helps", host or "", "")[rank(action)],
            command=action.name,
            words=(*(argument.name for argument in action.arguments), *action.synonyms),
            dangerous=action.dangerous,
        )
        for action in sorted(actions, key=rank)
    )


def given_by(action: Action, host: HostName | None) -> dict[str, str]:
    """What of the form is filled in by the host under the cursor: the first argument that takes a host."""
    taker = next((argument.name for argument in action.arguments if argument.kind is ArgumentKind.HOST), None)
    return {taker: host} if taker is not None and host is not None else {}


@dataclass(frozen=True, slots=True)
class Help:
    """An action that a finding names, and what of its form the finding's own words fill in."""

    action: Action
    request: Mapping[str, str]


def helps(finding: Finding, actions: tuple[Action, ...], hosts: tuple[str, ...]) -> tuple[Help, ...]:
    """The actions in a finding's ``run …`` lines, the best first, each once."""
    known = {action.name: action for action in actions}
    found: dict[str, Help] = {}
    for line in finding.actions:
        words = line.split()
        for index, word in enumerate(words[:-1]):
            name = words[index + 1].rstrip(ENDS)
            if word == "run" and name in known and name not in found:
                found[name] = Help(known[name], _request(known[name], words[index + 1 :], hosts))
    return tuple(found.values())


def _request(action: Action, words: list[str], hosts: tuple[str, ...]) -> dict[str, str]:
    """What the words after an action's name give its arguments; words that can be no value end it."""
    places = [argument for argument in action.arguments if argument.positional]
    options = {f"--{argument.name}": argument for argument in action.arguments if not argument.positional}
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word is not words[0]:
            named = options.get(word.rstrip(ENDS))
            argument = named or (places.pop(0) if places else None)
            flag = named is not None and named.kind is ArgumentKind.FLAG
            value = SET if flag else next(rest, "") if named else word
            if argument is None or (not flag and not _fits(argument, value.rstrip(ENDS), hosts)):
                break
            given[argument.name] = value.rstrip(ENDS)
        if word[-1] in ENDS:
            break
    return given


def _fits(argument: Argument, value: str, hosts: tuple[str, ...]) -> bool:
    if argument.choices:
        return value in argument.choices
    return value in hosts if argument.kind is ArgumentKind.HOST else any(letter.isdigit() for letter in value)


def _named_by(subject: Subject | None, findings: tuple[Finding, ...]) -> frozenset[str]:
    """The actions in the ``haconsole run …`` lines of the finding under the cursor."""
    if not isinstance(subject, FindingSubject):
        return frozenset()
    found = next((each for each in findings if (each.code, each.subject) == (subject.code, subject.subject)), None)
    words = (line.split() for line in (found.actions if found else ()))
    return frozenset(line[index + 1] for line in words for index, word in enumerate(line[:-1]) if word == "run")
