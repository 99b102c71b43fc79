"""Plans as plain JSON values and back, so that a run log holds the exact plan that ran."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias, get_type_hints

import msgspec

from haconsole.actions import checks, operations, step
from haconsole.errors import HaconsoleError
from haconsole.model.findings import ActionCall

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

KINDS: dict[str, type] = {
    "Plan": step.Plan,
    "Step": step.Step,
    "ActionCall": ActionCall,
    "CommandSucceeds": checks.CommandSucceeds,
    "FileIs": checks.FileIs,
    "FilesAbsent": checks.FilesAbsent,
    "AuthorityInPlace": checks.AuthorityInPlace,
    "CertificateInPlace": checks.CertificateInPlace,
    "ServiceRunning": checks.ServiceRunning,
    "EtcdHealthy": checks.EtcdHealthy,
    "ApiserverReady": checks.ApiserverReady,
    "BackendsUp": checks.BackendsUp,
    "VipOwned": checks.VipOwned,
    "VipAnswers": checks.VipAnswers,
    "LeaseHeld": checks.LeaseHeld,
    "NodeRenewed": checks.NodeRenewed,
    "NodeIs": checks.NodeIs,
    "ApiHas": checks.ApiHas,
    "MemberIs": checks.MemberIs,
    "MemberGone": checks.MemberGone,
    "NoMemberAt": checks.NoMemberAt,
    "LeaderAmong": checks.LeaderAmong,
    "HasRoom": checks.HasRoom,
    "NoAlarm": checks.NoAlarm,
    "SameFile": checks.SameFile,
    "SameFiles": checks.SameFiles,
    "SnapshotHere": checks.SnapshotHere,
    "ServerIs": checks.ServerIs,
    "AnyOf": checks.AnyOf,
    "RunCommand": operations.RunCommand,
    "WriteFile": operations.WriteFile,
    "EnsureAuthority": operations.EnsureAuthority,
    "TrustAuthority": operations.TrustAuthority,
    "EnsureKeyPair": operations.EnsureKeyPair,
    "IssueCertificate": operations.IssueCertificate,
    "AddMember": operations.AddMember,
    "PromoteMember": operations.PromoteMember,
    "RemoveMember": operations.RemoveMember,
    "RemoveMemberAt": operations.RemoveMemberAt,
    "UpdateMember": operations.UpdateMember,
    "MoveLeader": operations.MoveLeader,
    "Defragment": operations.Defragment,
    "CompactHistory": operations.CompactHistory,
    "DisarmAlarm": operations.DisarmAlarm,
    "DrainNode": operations.DrainNode,
    "DeleteNode": operations.DeleteNode,
    "ForgetControlPlane": operations.ForgetControlPlane,
    "JoinNode": operations.JoinNode,
    "FetchFile": operations.FetchFile,
    "SendFile": operations.SendFile,
    "SendFolder": operations.SendFolder,
    "CopyFromHost": operations.CopyFromHost,
    "SaveSnapshot": operations.SaveSnapshot,
    "SetServerState": operations.SetServerState,
    "Nothing": operations.Nothing,
    "PutBack": operations.UndoByRestoringFiles,
    "TakeBack": operations.UndoByCommand,
    "Irreversible": operations.Irreversible,
    "LeftByUndo": operations.LeftByUndo,
}
"""Kinds by their stored names. A class may be renamed; its stored name stays, for the sake of older run logs."""

STORED_FIELDS: dict[type, dict[str, str]] = {
    step.Plan: {"data_loss": "loses", "departing_host": "leaves"},
    step.Step: {"starts_with": "together"},
    checks.CommandSucceeds: {"problem": "otherwise"},
    checks.FilesAbsent: {"problem": "otherwise"},
}
"""Fields whose stored name differs from the attribute, by kind: attribute to stored name."""

_NAMES = {kind: name for name, kind in KINDS.items()}


def to_json(value: object) -> Json:
    """A plan, step, operation or check as JSON values; ``type`` names its kind."""
    if isinstance(value, msgspec.Struct) and type(value) in _NAMES:
        stored = STORED_FIELDS.get(type(value), {})
        values = {stored.get(name, name): to_json(getattr(value, name)) for name in value.__struct_fields__}
        return {"type": _NAMES[type(value)], **values}
    if isinstance(value, tuple | list):
        return [to_json(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a plan cannot contain a value of type {type(value).__name__}")


def plan_from_json(raw: Json) -> step.Plan:
    """The plan that `to_json` wrote; raises HaconsoleError when it was written by a version with other kinds."""
    try:
        plan = _read(raw)
    except (TypeError, KeyError, ValueError) as error:
        raise HaconsoleError(f"the recorded plan cannot be read: {error}", hint="plan the action again") from error
    if not isinstance(plan, step.Plan):
        raise HaconsoleError("the recorded data is not a plan", hint="plan the action again")
    return plan


def _read(raw: Json) -> Any:
    if isinstance(raw, list):
        return tuple(_read(one) for one in raw)
    if isinstance(raw, dict):
        kind = KINDS[str(raw["type"])]
        words = _words_of(kind)
        current = _current(raw) if kind is step.Plan else raw
        attributes = {stored: name for name, stored in STORED_FIELDS.get(kind, {}).items()}
        read = {attributes.get(name, name): _read(value) for name, value in current.items() if name != "type"}
        return kind(**{name: words[name](value) if name in words else value for name, value in read.items()})
    return raw


def _current(raw: dict[str, Json]) -> dict[str, Json]:
    """A plan's fields by their present names: 0.1 kept `undone_by` as `taken_back_by`, a list of words."""
    if "taken_back_by" not in raw:
        return raw
    current = {name: value for name, value in raw.items() if name != "taken_back_by"}
    words = raw["taken_back_by"]
    if isinstance(words, list) and words:
        action, *arguments = (str(word) for word in words)
        pairs: list[Json] = [list(argument.split("=", 1)) for argument in arguments]
        current["undone_by"] = {"type": "ActionCall", "action": action, "arguments": pairs}
    return current


@cache
def _words_of(kind: type) -> dict[str, type[StrEnum]]:
    """The fields of a kind that take one of a set of words."""
    hints = get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, StrEnum)}
