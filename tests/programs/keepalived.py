"""keepalived itself as the reader of a configuration, in a network namespace with interfaces of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

KEEPALIVED = shutil.which("keepalived", path="/usr/sbin:/usr/bin:/usr/local/sbin")
"""None where keepalived is not installed."""

AVAILABLE = KEEPALIVED is not None and os.geteuid() == 0 and shutil.which("unshare") is not None

INTERFACES = ("eth0", "eth1")
_SCRIPT = """
set -e
ip link add eth0 type veth peer name peer0
ip link add eth1 type veth peer name peer1
ip address add 10.5.0.1/24 dev eth0
ip address add 10.6.0.1/24 dev eth1
for name in lo eth0 eth1 peer0 peer1; do ip link set "$name" up; done
exec "$@" 2>&1
"""
_TIME = re.compile(r"^\w{3} \w{3} [ \d]\d [\d:.]+ \d{4}: ?")
_SECTION = re.compile(r"^------< (.*) >------$")


@dataclass
class DumpedInstance:
    """A VRRP instance as keepalived's dump of its configuration shows it; `tracked` holds (kind, name, weight)."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    vips: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    tracked: set[tuple[str, str, int]] = field(default_factory=set)


def read_by_keepalived(config: Path, *options: str) -> tuple[DumpedInstance, ...] | None:
    """The instances that keepalived makes of the configuration; None where it refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        files = ("-p", f"{folder}/pid", "-r", f"{folder}/vrrp", "-f", str(config))
        process = subprocess.Popen(
            ("unshare", "-n", "sh", "-c", _SCRIPT, "sh", KEEPALIVED or "", "-n", "-l", "-d", "-P", *files, *options),
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            return _dumped(process)
        finally:
            # Its interfaces and addresses go with the namespace, so an orderly stop of a second is not needed.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=10)


def _dumped(process: subprocess.Popen[str]) -> tuple[DumpedInstance, ...] | None:
    lines: list[str] | None = None
    assert process.stdout is not None
    for line in process.stdout:
        text = _TIME.sub("", line.rstrip("\n"))
        if section := _SECTION.match(text):
            if section[1] == "Interfaces":
                return _instances(lines or [])
            lines = lines or []
        elif lines is not None and text.startswith(" "):
            lines.append(text)
    return None


def _instances(lines: list[str]) -> tuple[DumpedInstance, ...]:
    results: list[DumpedInstance] = []
    groups: dict[str, set[tuple[str, str, int]]] = {}
    current, kind, group = DumpedInstance(""), "", ""
    for line in lines:
        indent, text = len(line) - len(line.lstrip(" ")), line.strip()
        name, _, value = (part.strip() for part in text.partition("=" if " = " in text or text.endswith("=") else ":"))
        if indent == 1:
            current, group = DumpedInstance(value), value if name == "VRRP Sync Group" else ""
            group = group.partition(",")[0]
            if name == "VRRP Instance":
                results.append(current)
        elif indent == 3:
            kind = name
            current.values[name] = value
        elif tracked := re.fullmatch(r"Tracked (\w+?)(?:e?s)?", kind):
            words = text.replace(",", "").split()
            what = {"process": "process", "script": "script", "fil": "file", "interfac": "interface"}[tracked[1]]
            entry = (what, words[0], int(words[2]))
            (groups.setdefault(group, set()) if group else current.tracked).add(entry)
        elif kind.startswith("Virtual IP"):
            (current.excluded if "Excluded" in kind else current.vips).append(text)
        elif kind.startswith("Unicast Peer"):
            current.peers.append(text.split()[0])
    for one in results:
        known = {entry[:2] for entry in one.tracked}
        one.tracked |= {entry for entry in groups.get(one.values.get("Sync group", ""), ()) if entry[:2] not in known}
    return tuple(results)
