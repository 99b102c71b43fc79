"""The actions offered for a row, and the values of their forms that the row fills in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from haconsole.actions.catalogue import Action, ArgumentKind
from haconsole.actions.command_line import action_of, entries
from haconsole.actions.guardrails import GuardrailStop
from haconsole.model.etcd_view import etcd_view
from haconsole.model.findings import ActionCall, Advice, Finding, Remedy
from haconsole.model.names import HostName
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.present.host_of_row import host_of
from haconsole.present.palette import Command
from haconsole.present.part_of_row import part_of
from haconsole.present.row_keys import FindingKey, RowKey, VipKey


def offered(
    actions: tuple[Action, ...],
    subject: RowKey | None,
    snapshot: ClusterSnapshot | None,
    findings: tuple[Finding, ...],
    stops: Mapping[str, tuple[GuardrailStop, ...]] = MappingProxyType({}),
) -> tuple[Command, ...]:
    """The actions as commands: those that fix the row's finding, else the worst one, those for its host, others.

    `stops` are the guardrails that stop an action now, by its name.
    """
    host = host_of(subject, snapshot)
    finding = finding_to_fix(subject, findings)
    named = {call.action for call in finding.calls if not call.last_resort} if finding else set[str]()

    def rank(action: Action) -> int:
        takes_host = any(argument.kind is ArgumentKind.HOST for argument in action.arguments)
        return 0 if action.name in named else 1 if host is not None and takes_host else 2

    return tuple(
        Command(
            action.title,
            action.name,
            action.help,
            ("fix", host or "", "")[rank(action)],
            command=action.name,
            words=(*(argument.name for argument in action.arguments), *action.synonyms),
            dangerous=action.dangerous,
            stopped="; ".join(map(str, stops.get(action.name, ()))),
        )
        for action in sorted(actions, key=rank)
    )


def given_by(action: Action, host: HostName | None) -> dict[str, str]:
    """The form values from the host under the cursor: the first argument that takes a host."""
    taker = next((argument.name for argument in action.arguments if argument.kind is ArgumentKind.HOST), None)
    return {taker: host} if taker is not None and host is not None else {}


def finding_of(subject: RowKey | None, findings: tuple[Finding, ...]) -> Finding | None:
    """The finding of a row; None if the row is none, or is gone."""
    if not isinstance(subject, FindingKey):
        return None
    return next((each for each in findings if (each.code, each.subject) == (subject.code, subject.subject)), None)


def finding_to_fix(subject: RowKey | None, findings: tuple[Finding, ...]) -> Finding | None:
    """The finding of a row; of a row that is no finding the worst one, whose fix is on the screen."""
    if isinstance(subject, FindingKey):
        return finding_of(subject, findings)
    return next(iter(findings), None)


def remedy_text(remedy: Remedy) -> str:
    """A remedy as the screen shows it: the action's title, its arguments as fields, and its effect here."""
    match remedy:
        case Advice(text=text):
            line = text
        case ActionCall():
            title, fields = action_of(remedy).title, entries(remedy)
            line = ": ".join(filter(None, (f"{title} ({fields})" if fields else title, remedy.text)))
    return f"last resort: {line}" if remedy.last_resort else line


def fixes(finding: Finding) -> tuple[Command, ...]:
    """A finding's action calls as commands to choose from; `action` is the place among its calls."""
    return tuple(
        Command(
            ("last resort: " if call.last_resort else "") + action_of(call).title,
            str(number),
            ": ".join(filter(None, (entries(call), call.text))) or action_of(call).help,
            command=call.action,
            dangerous=call.last_resort,
        )
        for number, call in enumerate(finding.calls)
    )


TARGET = "to"
"""The argument that names the host a VIP moves to."""
SERVICE = "service"


def prefilled(action: Action, subject: RowKey | None, snapshot: ClusterSnapshot | None) -> dict[str, str]:
    """The host of the row if an argument takes one, its VIP and its service; nothing for a dangerous action.

    The owner of a VIP and the leader of etcd are not filled in as the target, because they have it already.
    """
    if action.dangerous:
        return {}
    filled = given_by(action, host_of(subject, snapshot))
    if snapshot is not None and filled.get(TARGET) in _owners(subject, snapshot):
        del filled[TARGET]
    if action.name == "move-leader" and snapshot is not None and filled.get("host") in _leaders(snapshot):
        del filled["host"]
    part = part_of(subject, snapshot)
    if any(argument.name == SERVICE and part in argument.choices for argument in action.arguments):
        filled[SERVICE] = part
    names = {argument.name for argument in action.arguments}
    return {"vip": subject.address, **filled} if isinstance(subject, VipKey) and "vip" in names else filled


def _owners(subject: RowKey | None, snapshot: ClusterSnapshot) -> frozenset[HostName]:
    """The owners of the row's VIP, or of any VIP if the row has none."""
    address = subject.address if isinstance(subject, VipKey) else None
    return frozenset(host for view in vip_views(snapshot) if address in (None, view.address) for host in view.owners)


def _leaders(snapshot: ClusterSnapshot) -> frozenset[HostName | None]:
    """The host of etcd's leader."""
    return frozenset(member.host for member in etcd_view(snapshot).members if member.leader)
