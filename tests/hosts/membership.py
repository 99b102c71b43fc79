"""A lab whose inventory grows and shrinks, and what its cluster says of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from haconsole.lab.lab import Lab
from tests.hosts.program import Program

QUIET = {"etcd.even-voters", "etcd.no-fault-tolerance"}
"""Findings that are about how many members there are by intention: fewer than three can lose none."""


class Members:
    """Inventories of some of a lab's hosts, and the program on each."""

    def __init__(self, lab: Lab, folder: Path, *, etcd_only: bool) -> None:
        self.lab = lab
        self.folder = folder
        text = lab.inventory_path.read_text()
        # the default times: five hosts on two cores are slower than a lease of practice lasts
        text = re.sub(r"leader_election:.*", "leader_election: {}", text)
        if etcd_only:
            text = text.partition("\nkubernetes:")[0].replace("[etcd, control-plane, load-balancer]", "[etcd]")
        self._text = text

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(host.address for host in self.lab.spec.hosts)

    def of(self, *hosts: str) -> Program:
        """The program on an inventory of these hosts."""
        lines = self._text.splitlines()
        kept = [line for line in lines if not (found := _NAMED.search(line)) or found[1] in hosts]
        path = self.folder / f"{'-'.join(hosts)}.yaml"
        path.write_text("\n".join(kept) + "\n")
        return Program(self.lab, self.folder / "state", path)

    def status(self, *hosts: str) -> dict[str, Any]:
        """``status --json`` of these hosts."""
        program = self.of(*hosts)
        argv = (sys.executable, "-m", "haconsole", "status", str(program.inventory), "--json")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=program.environment)
        assert done.stdout, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def leader(self, *hosts: str) -> str:
        return str(self.status(*hosts)["etcd"]["leader"])

    def check(self, *hosts: str) -> None:
        """All of these vote and are healthy, and there is nothing to say but how few or how even they are."""
        told = self.status(*hosts)
        findings = [finding for finding in told["findings"] if finding["code"] not in QUIET]
        assert findings == []
        assert told["health"] == "healthy" or len(hosts) < 3
        members = [member for member in told["etcd"]["members"] if member["healthy"] and not member["learner"]]
        assert sorted(member["name"] for member in members) == sorted(hosts)

    def refused(self, hosts: tuple[str, ...], action: str, *words: str) -> str:
        """The reasons against an action, which must be refused."""
        done = self.of(*hosts)("plan", action, *words)
        assert done.returncode == 4, done.stdout + done.stderr
        return done.stderr


_NAMED = re.compile(r"^  - \{name: ([^,]+),")
