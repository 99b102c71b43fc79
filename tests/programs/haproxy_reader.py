"""haproxy itself as the reader of its configuration, in a network namespace where every address is its own."""

from __future__ import annotations

import csv
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.programs.haproxy import HAPROXY

AVAILABLE = HAPROXY is not None and os.geteuid() == 0

_SCRIPT = """
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind
echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind
exec "$@" 2>&1
"""


@dataclass(frozen=True)
class ReadServer:
    """A server by the runtime API; `address` is ``-`` while its name does not resolve."""

    name: str
    address: str
    port: int
    weight: int
    backup: bool
    disabled: bool
    check: bool


@dataclass(frozen=True)
class ReadConfig:
    """The configuration as haproxy runs by it."""

    backends: dict[str, tuple[ReadServer, ...]]
    balances: dict[str, str]
    frontends: frozenset[str]
    listening: frozenset[tuple[str, int]]
    """Addresses and ports of all frontends."""


def read_by_haproxy(*configs: Path, environment: dict[str, str] | None = None) -> ReadConfig | str:
    """The configuration by the runtime API, or the reason why haproxy refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        api, extra = Path(folder) / "api.sock", Path(folder) / "api.cfg"
        extra.write_text(f"global\n stats socket {api} mode 600 level admin\n")
        files = [word for path in (extra, *configs) for word in ("-f", str(path))]
        process = subprocess.Popen(
            ("unshare", "-n", "sh", "-c", _SCRIPT, "sh", HAPROXY or "", "-db", *files),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], **(environment or {})},
        )
        try:
            return _read(process, api)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=10)


def _read(process: subprocess.Popen[str], api: Path) -> ReadConfig | str:
    while not api.exists():
        if process.poll() is not None:
            assert process.stdout is not None
            return process.stdout.read()
        time.sleep(0.01)
    stat = [*csv.DictReader(_ask(api, "show stat").removeprefix("# ").splitlines())]
    states = _ask(api, "show servers state").splitlines()
    names = states[1].removeprefix("# ").split()
    rows = [dict(zip(names, line.split(), strict=False)) for line in states[2:] if line.strip()]
    by_server = {(row["pxname"], row["svname"]): row for row in stat}
    backends: dict[str, list[ReadServer]] = {row["pxname"]: [] for row in stat if row["svname"] == "BACKEND"}
    for row in rows:
        if row["be_name"] in backends:
            backends[row["be_name"]].append(_server(row, by_server[row["be_name"], row["srv_name"]]))
    return ReadConfig(
        {name: tuple(servers) for name, servers in backends.items()},
        {row["pxname"]: row["algo"] for row in stat if row["svname"] == "BACKEND"},
        frozenset(row["pxname"] for row in stat if row["svname"] == "FRONTEND"),
        _listening(process.pid),
    )


def _server(state: dict[str, str], row: dict[str, str]) -> ReadServer:
    return ReadServer(
        state["srv_name"],
        state["srv_addr"],
        int(state["srv_port"]),
        int(state["srv_uweight"]),
        row["bck"] == "1",
        bool(int(state["srv_admin_state"]) & 0x04),
        bool(int(state["srv_check_state"]) & 0x02),
    )


def _ask(api: Path, question: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        for _ in range(100):
            try:
                client.connect(str(api))
                break
            except ConnectionRefusedError:
                time.sleep(0.01)
        client.sendall(question.encode() + b"\n")
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def _listening(pid: int) -> frozenset[tuple[str, int]]:
    result = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, port = local.partition(":")
            if state == "0A":
                groups = re.findall("........", address)
                packed = b"".join(bytes.fromhex(group)[::-1] for group in groups)
                result.add((socket.inet_ntop(family, packed), int(port, 16)))
    return frozenset(result)
