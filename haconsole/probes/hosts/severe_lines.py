"""The lines of a program's log that give the reason of its failure.

Programs log as JSON (etcd 3.5), with a severity letter (Kubernetes, etcd 3.4), in brackets (haproxy) or as text;
Go ends with a panic and a trace that is of no use to an operator.
"""

from __future__ import annotations

import json
import re

MOST_LINES = 2
LONGEST = 300

_TRACE = re.compile(r"^(goroutine \d+|\s|created by |[\w./*()-]+\(.*\)$|exit status|rax|r\d+\s|rip|\[signal )")
_WORST = re.compile(
    r"panic:|fatal|\bF\d{4} |\bC \| |emergency|\[ALERT\]|no space left|read-only file system|permanently removed"
    r"|cannot allocate memory|already in use|member count is unequal|cluster ID mismatch|is corrupt",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"error|failed|cannot|could not|unable|denied|refused|\bE\d{4} |\bE \| |invalid|mismatch|no such file"
    r"|not defined|unknown (flag|option|command|shorthand)|unrecognized",
    re.IGNORECASE,
)
_WARNING = re.compile(r"warn|\bW\d{4} |\bW \| |timed out|timeout", re.IGNORECASE)
_NO_REASON = re.compile(r"signal|terminated|closing|stopping|skipped leadership|shutting down", re.IGNORECASE)
_TIMESTAMP = re.compile(r"^\[?\d{4}[-/]\d\d[-/]\d\d[T ][\d:.,]+(Z|[+-]\d\d:?\d\d)?\]?\s*")
_EVERY_REQUEST = "request stats"
"""etcd warns with this text of each request where --warning-unary-request-duration is 0 (etcd-io/etcd 20294)."""
_JSON_EXTRAS = ("error", "err", "reason", "path", "remote-peer-id", "address")


def severe_lines(log: str) -> tuple[str, ...]:
    """The last lines of the highest severity, oldest first, without time stamps and traces; at most `MOST_LINES`.

    `log` is what ``journalctl -o json`` writes, an entry a line.
    """
    entries = [(text, priority) for text, priority in map(_entry, log.splitlines()) if text]
    if not entries:
        return ()
    severities = [max(_severity(text), _BY_PRIORITY.get(priority, 0)) for text, priority in entries]
    severest = [text for (text, _), severity in zip(entries, severities, strict=True) if severity == max(severities)]
    return tuple(dict.fromkeys(text[:LONGEST] for text in severest[-MOST_LINES:]))


_BY_PRIORITY = {"0": 3, "1": 3, "2": 3, "3": 2, "4": 1}
"""Severities by syslog(3)'s priorities, which only programs with a journal of their own set."""


def _entry(line: str) -> tuple[str, str]:
    """Text and priority of a journal entry; no text where it is of no use."""
    try:
        entry = json.loads(line)
    except ValueError:
        return "", ""
    message = entry.get("MESSAGE") if isinstance(entry, dict) else None
    if isinstance(message, list):
        message = bytes(byte for byte in message if isinstance(byte, int) and 0 <= byte < 256).decode(errors="replace")
    if not isinstance(message, str):
        return "", ""
    return _plain(message), str(entry.get("PRIORITY", ""))


def _plain(raw: str) -> str:
    if raw.startswith("{"):
        return _from_json(raw)
    return "" if _TRACE.match(raw) else _TIMESTAMP.sub("", raw).strip()


def _from_json(raw: str) -> str:
    try:
        entry = json.loads(raw)
    except ValueError:
        return raw.strip()
    if entry.get("msg") == _EVERY_REQUEST:
        return ""
    extras = [f"{name} {entry[name]}" for name in _JSON_EXTRAS if entry.get(name)]
    return f"{entry.get('level', '')}: {', '.join((str(entry.get('msg', '')), *extras))}"


def _severity(line: str) -> int:
    """3 for the end of the program, 2 for an error, 1 for a warning, 0 for the rest."""
    if _WORST.search(line):
        return 3
    if _ERROR.search(line) and not _NO_REASON.search(line):
        return 2
    return 1 if _WARNING.search(line) else 0
