"""The logs of static pods' containers as journal lines; most kubelets keep them in files, not in the journal."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from haconsole.model.journal import ERROR, WARNING, JournalLine
from haconsole.model.names import HostName
from haconsole.scripts import load_script
from haconsole.transport.base import Argv

INFO = 6
TIME = re.compile(r"(?P<second>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?P<zone>Z|[+-]\d\d:\d\d)")
STREAM = re.compile(r"(?:stdout|stderr) [FP](?::\S*)? ?")
SEVERE = re.compile(
    r'[EF]\d{4} |[Ee]rror: |panic|fatal|.{0,40} [EC] \| |.*"level":"(?:error|fatal|panic|dpanic)"|\[ALERT\]'
)
WARNED = re.compile(r'W\d{4} |.{0,40} W \| |.*"level":"warn"|\[WARNING\]')


def container_logs_argv(pods: tuple[str, ...], last: int, start: datetime | None, end: datetime | None) -> Argv:
    """The command that prints the logs of these static pods: followed, or only between two times of the host's."""
    seconds = (str(int(moment.timestamp())) if moment is not None else "0" for moment in (start, end))
    return ("sh", "-c", load_script("container-logs"), "container-logs", str(last), *seconds, *pods)


def container_line(host: HostName, text: str) -> JournalLine | None:
    """One line of that command; None for one without a time.

    A runtime writes ``TIME STREAM TAG MESSAGE`` (the CRI's format of logs), Docker an object of JSON, crictl
    ``TIME MESSAGE``.
    """
    pod, _, line = text.partition(" ")
    if line.startswith("? "):
        return JournalLine(host, datetime.now(UTC), pod, line.removeprefix("? "), ERROR)
    match = TIME.match(line)
    if match is None:
        return _of_docker(host, pod, line)
    message = STREAM.sub("", line[match.end() :].removeprefix(" "), count=1)
    return JournalLine(host, _time(match), pod, message, _priority(message))


def _of_docker(host: HostName, pod: str, line: str) -> JournalLine | None:
    try:
        entry = json.loads(line)
        match, message = TIME.match(entry["time"]), str(entry["log"]).rstrip("\n")
    except (ValueError, KeyError, TypeError):
        return None
    return JournalLine(host, _time(match), pod, message, _priority(message)) if match is not None else None


def _time(match: re.Match[str]) -> datetime:
    """The time in UTC, to the microsecond: runtimes write nanoseconds."""
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    return datetime.fromisoformat(f"{match['second']}.{fraction}{match['zone'].replace('Z', '+00:00')}").astimezone(UTC)


def _priority(message: str) -> int:
    """The severity that klog, etcd's loggers and haproxy write into their messages."""
    if SEVERE.match(message):
        return ERROR
    return WARNING if WARNED.match(message) else INFO
