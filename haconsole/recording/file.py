"""A recording's file: lines of JSON. The first line names the cluster, all others hold the changes at a moment.

A host's fact that was only confirmed is written as ``{"again": TIME}``, one that is gone as ``null``. Files whose name
ends in ``.gz`` are compressed. No secret is written: an inventory's are replaced by RECORDED there.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import msgspec

from haconsole.errors import ExitCode, HaconsoleError, file_hint
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import HostFacts
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.lease import Lease
from haconsole.model.names import Vip
from haconsole.model.node import NodeState
from haconsole.model.secret import Secret
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import LeasedVip
from haconsole.recording.values import Reader, to_json_value

SCHEMA = "haconsole/recording/v1"
RECORDED = "recorded"
"""The placeholder of a secret of the inventory."""
REST = ("vips", "leased_vip", "leases", "nodes", "kubeadm", "endpoint_ms")
"""The parts of a snapshot besides its hosts."""

Entries = dict[str, Any]


class RecordingError(HaconsoleError):
    """A recording that cannot be written or read."""

    exit_code = ExitCode.USAGE


class Recorder:
    """Writes one recording, each snapshot as soon as it is given; an existing file is kept.

    Raises RecordingError naming the file when it cannot be written.
    """

    def __init__(self, path: Path, inventory: Inventory) -> None:
        self._path = path
        self._before: Entries = {"hosts": {}}
        self.snapshots = 0
        try:
            self._file: IO[str] = os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            )
        except FileExistsError:
            raise RecordingError(f"{path} already exists", hint="give the path of a new file") from None
        except OSError as error:
            raise _unwritable(path, error) from None
        if path.suffix == ".gz":
            self._file.close()
            self._file = gzip.open(path, "wt", encoding="utf-8")  # noqa: SIM115 (close closes it)
        self._put({"schema": SCHEMA, "inventory": msgspec.to_builtins(inventory, enc_hook=_hide)})

    def add(self, snapshot: ClusterSnapshot) -> None:
        """Write the differences from the previous snapshot."""
        now = _entries_of(snapshot)
        hosts = {name: _changes(self._before["hosts"].get(name, {}), facts) for name, facts in now["hosts"].items()}
        rest = _changes({key: self._before.get(key) for key in REST}, {key: now[key] for key in REST})
        self._put({"at": now["at"], "hosts": hosts, **rest})
        self._before = now
        self.snapshots += 1

    def close(self) -> None:
        """End the file; what was added stays."""
        self._file.close()

    def _put(self, entries: Entries) -> None:
        try:
            self._file.write(json.dumps(entries, separators=(",", ":"), ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from None


class Recording(msgspec.Struct, frozen=True):
    """The content of a file: the cluster, and the moments (aware) with changes, oldest first."""

    path: Path
    inventory: Inventory
    moments: tuple[Moment, ...]
    values_read: dict[tuple[int, Any], Any] = msgspec.field(default_factory=dict)
    """The facts of the moments that were read."""

    def snapshot(self, moment: Moment, revision: int, later: timedelta) -> ClusterSnapshot:
        """The cluster at that moment, every time in it later by `later`. Raises RecordingError naming the line."""
        try:
            return _snapshot(moment, self.inventory.cluster, revision, Reader(later, self.values_read))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _damaged(self.path, moment.line, str(error)) from None


class Moment(msgspec.Struct, frozen=True):
    """Everything known at a moment, by the file's `line`."""

    line: int
    at: datetime
    entries: Entries


def read_recording(path: Path) -> Recording:
    """Read a recording; a last line that was cut off is left out. Raises RecordingError naming the line."""
    lines = _lines(path)
    inventory = _inventory(path, lines[0] if lines else "")
    state: Entries = {"hosts": {}}
    moments: list[Moment] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            change = json.loads(line)
            state = _after(state, change)
            moments.append(Moment(number, Reader().time(change["at"]), state))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _damaged(path, number, str(error)) from None
    if not moments:
        raise RecordingError(f"{path} has no snapshot in it", hint="record for longer")
    return Recording(path, inventory, tuple(moments))


def _lines(path: Path) -> list[str]:
    """The complete lines of the file."""
    opened = gzip.open if path.suffix == ".gz" else open
    lines: list[str] = []
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            lines.extend(line for line in file if line.endswith("\n"))
    except EOFError:
        pass  # a recorder that was killed left the end of its compressed file out
    except (gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        if not lines:
            raise _no_recording(path) from None
        raise _damaged(path, len(lines) + 1, str(error)) from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}", hint=file_hint(path, error)) from None
    return lines


def _inventory(path: Path, line: str) -> Inventory:
    try:
        fields = json.loads(line)
        known, inventory = fields["schema"] == SCHEMA, json.dumps(fields["inventory"])
    except (KeyError, TypeError, ValueError):
        known, inventory = False, ""
    if not known:
        raise _no_recording(path)
    read = parse(inventory, str(path), path.parent)
    if isinstance(read, tuple):
        raise _damaged(path, 1, str(read[0]))
    return read


def _no_recording(path: Path) -> RecordingError:
    return RecordingError(
        f"{path} is not a recording, or was recorded by another version of haconsole",
        hint="make one: haconsole record INVENTORY -o FILE",
    )


def _unwritable(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path} cannot be written: {error.strerror}", hint=file_hint(path, error, to_write=True))


def _entries_of(snapshot: ClusterSnapshot) -> Entries:
    hosts = {facts.host: to_json_value(facts) for facts in snapshot.hosts}
    return {
        "at": snapshot.observed_at.isoformat(),
        "hosts": hosts,
        "vips": to_json_value(snapshot.vips),
        "leased_vip": to_json_value(snapshot.leased_vip),
        "leases": to_json_value(snapshot.leases),
        "nodes": to_json_value(snapshot.nodes),
        "kubeadm": to_json_value(snapshot.kubeadm),
        "endpoint_ms": to_json_value(snapshot.endpoint_ms),
    }


def _changes(before: Entries, now: Entries) -> Entries:
    """The change that turns `before` into `now`."""
    changed = {name: _or_only_time(before.get(name), own) for name, own in now.items() if before.get(name) != own}
    return {**changed, **{name: None for name in before if name not in now}}


def _or_only_time(before: Any, now: Any) -> Any:
    """`now`, or only its time if nothing else is new."""
    both = isinstance(before, dict) and isinstance(now, dict) and "at" in before and "at" in now
    return {"again": now["at"]} if both and {**before, "at": now["at"]} == now else now


def _after(before: Entries, change: Entries) -> Entries:
    """`before`, changed by `change`; `before` itself is not modified."""
    hosts = {
        **before["hosts"],
        **{name: _merged(before["hosts"].get(name, {}), own) for name, own in change["hosts"].items()},
    }
    rest = _merged({key: before.get(key) for key in REST}, {key: change[key] for key in REST if key in change})
    return {"hosts": hosts, **rest}


def _merged(before: Entries, change: Entries) -> Entries:
    merged = dict(before)
    for name, own in change.items():
        if own is None:
            merged.pop(name, None)
        elif isinstance(own, dict) and "again" in own:
            merged[name] = {**merged[name], "at": own["again"]}
        else:
            merged[name] = own
    return merged


def _snapshot(moment: Moment, cluster: str, revision: int, reader: Reader) -> ClusterSnapshot:
    entries = moment.entries
    return ClusterSnapshot(
        cluster,
        revision,
        moment.at + reader.later,
        tuple(reader.read(HostFacts, facts) for facts in entries["hosts"].values()),
        reader.read(tuple[Vip, ...], entries["vips"]),
        reader.observed(tuple[Lease, ...], entries["leases"]),
        reader.observed(tuple[NodeState, ...], entries.get("nodes") or {}),
        kubeadm=reader.observed(ClusterConfiguration | None, entries.get("kubeadm") or {}),
        endpoint_ms=reader.observed(float, entries.get("endpoint_ms") or {}),
        leased_vip=reader.read(LeasedVip | None, entries.get("leased_vip")),
    )


def _hide(value: object) -> str:
    if isinstance(value, Secret):
        return RECORDED
    raise NotImplementedError(f"values of the type {type(value).__name__} cannot be recorded")


def _damaged(path: Path, line: int, why: str) -> RecordingError:
    return RecordingError(f"{path}:{line}: this line is not a valid snapshot: {why}", hint="use a complete recording")
