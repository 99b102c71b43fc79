"""A lab whose inventory grows and shrinks, and the state that its cluster reports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from haconsole.lab.lab import Lab
from tests.hosts.program import Program

ALL = ("cp1", "cp2", "cp3", "cp4", "cp5")
ETCDCTL = (
    "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/pki/ca.crt"
    " --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key"
)

QUIET = {"etcd.even-voters", "etcd.no-fault-tolerance"}
"""Findings that are about how many members there are by intention: fewer than three can lose none."""


def without(host: str, hosts: tuple[str, ...] = ALL) -> tuple[str, ...]:
    return tuple(one for one in hosts if one != host)


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
        # no election of a crowded machine's making: what remains are those that a change brings about
        text += "\netcd:\n  election_ms: 5000\n"
        self._text = text

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(host.address for host in self.lab.spec.hosts)

    def give(self, host: str, roles: str) -> None:
        """Give a host exactly these roles."""
        self._text = re.sub(rf"(\{{name: {host},.*roles: )\[[^]]*\]", rf"\1[{roles}]", self._text)

    def say(self, text: str) -> None:
        """Add lines to the inventories."""
        self._text += f"\n{text}\n"

    def of(self, *hosts: str) -> Program:
        """The program on an inventory of these hosts."""
        lines = self._text.splitlines()
        contents = [line for line in lines if not (result := _NAMED.search(line)) or result[1] in hosts]
        path = self.folder / f"{'-'.join(hosts)}.yaml"
        path.write_text("\n".join(contents) + "\n")
        return Program(self.lab, self.folder / "state", path)

    def status(self, *hosts: str) -> dict[str, Any]:
        """``status --json`` of these hosts."""
        program = self.of(*hosts)
        argv = (sys.executable, "-m", "haconsole", "status", str(program.inventory), "--json")
        result = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=program.environment)
        assert result.stdout, result.stderr
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def leader(self, *hosts: str) -> str:
        return str(self.status(*hosts)["etcd"]["leader"])

    def check(self, *hosts: str) -> None:
        """All of these vote and are healthy, without findings except those about their number."""
        output = self.status(*hosts)
        findings = [finding for finding in output["findings"] if finding["code"] not in QUIET]
        assert findings == []
        assert output["health"] == "healthy" or len(hosts) < 3
        members = [member for member in output["etcd"]["members"] if member["healthy"] and not member["learner"]]
        assert sorted(member["name"] for member in members) == sorted(hosts)

    def stand(self, *hosts: str) -> None:
        """Have exactly these hosts be healthy members, whatever was before: what one test leaves fails no other."""
        self.lab.reconnect()
        for reading in self.lab.status():
            if not reading.running:
                self.lab.boot(reading.name)
            self.shell(reading.name, "systemctl is-enabled -q etcd && systemctl start etcd --no-block; true")
        if not (there := self.listed()):
            self.of(hosts[0]).events("bootstrap")
            there = self.listed()
        end = time.monotonic() + 60
        while any(member["started"] and not member["healthy"] for member in there):
            assert time.monotonic() < end, there
            there = self.listed()
        for member in there:
            if not member["started"] or member["host"] is None:
                self.of(*ALL).events("remove", "--member-id", member["id"])
        members = {member["host"] for member in there if member["started"] and member["host"]}
        for host in hosts:
            if host not in members:
                self.of(*ALL).events("join", host)
        for host in sorted(members - set(hosts)):
            self.of(*ALL).events("remove", host)

    def listed(self) -> list[dict[str, Any]]:
        """etcd's members as the hosts report them."""
        output = self.status(*ALL)["etcd"]
        return list(output["members"]) if output else []

    def add_learner(self, host: str) -> None:
        """Put a host's member on the list by etcd's own tool, which is refused for some seconds after a start."""
        url = f"https://{self.lab.spec.host(host).address}:2380"
        add = f"{ETCDCTL} member add {host} --learner --peer-urls={url}"
        self.shell("cp1", f"for n in $(seq 20); do {add} && exit; sleep 1; done; exit 1")

    def id_of(self, name: str) -> str:
        return next(str(member["id"]) for member in self.listed() if member["name"] == name)

    def shell(self, host: str, script: str, *, deadline_s: float = 60.0) -> str:
        """The output of a shell on the host, which must succeed."""
        result = self.lab.exec(host, "sh", "-c", script, deadline_s=deadline_s)
        assert result.returncode == 0, f"{host}: {script}: {result.stdout}{result.stderr}"
        return result.stdout

    def refused(self, hosts: tuple[str, ...], action: str, *words: str) -> str:
        """The reasons against an action, which must be refused."""
        return self.refused_by(self.of(*hosts).inventory, action, *words)

    def refused_by(self, inventory: Path, action: str, *words: str) -> str:
        """The reasons against an action on the cluster as this file has it."""
        result = Program(self.lab, self.folder / "state", inventory)("plan", action, *words)
        assert result.returncode == 4, result.stdout + result.stderr
        return result.stderr


_NAMED = re.compile(r"^  - \{name: ([^,]+),")
