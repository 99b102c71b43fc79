"""Helpers for tests that change a cluster of kubeadm's: the program on some hosts, what the cluster keeps of a host."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from haconsole.execution.log.run_record import read_run
from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.kubeadm_cluster import control_planes, etcdctl, kubectl
from tests.hosts.program import Program

TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
CERTIFICATE_KEY = re.compile(r"ertificate[- ]?[kK]ey\W+[0-9a-f]{64}")
QUIET = {"balancer.foreign", "balancer.no-socket", "etcd.even-voters", "etcd.no-fault-tolerance", "host.slow"}
"""Findings about other people's balancers, about the number of members, and about a busy machine."""
LONG_S = 900.0
_NAMED = re.compile(r"^  - \{name: ([^,]+),")


class KubeadmLab:
    """The program on inventories of some hosts of a lab."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder

    def of(self, *hosts: str) -> Program:
        lines = self.lab.inventory_path.read_text().splitlines()
        matches = ((line, _NAMED.search(line)) for line in lines)
        contents = [line for line, match in matches if match is None or match[1] in hosts]
        path = self.folder / f"{'-'.join(hosts)}.yaml"
        path.write_text("\n".join(contents) + "\n")
        return Program(self.lab, self.folder / "state", path)

    def seconds(self, hosts: tuple[str, ...], action: str, *words: str) -> float:
        """Run an action, which must end well; its seconds."""
        began = time.monotonic()
        result = self.of(*hosts)("run", action, *words, "--yes", "--json", deadline_s=LONG_S)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        return time.monotonic() - began

    async def killed_at(self, hosts: tuple[str, ...], step: str, action: str, *words: str) -> str:
        """Run an action and kill the console once a step's command runs on its host; the run's name."""
        program = self.of(*hosts)
        host = step.rpartition("@")[2]
        command = program.command("run", action, *words, "--yes", "--json")
        null = subprocess.DEVNULL
        with subprocess.Popen(command, env=program.environment, stdin=null, stdout=null, stderr=null) as running:
            await eventually(lambda: self._runs(host, step), within_s=240)
            running.send_signal(signal.SIGKILL)
        newest = max((program.state / "haconsole" / "runs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        return str(read_run(newest).header.run)

    def resume(self, hosts: tuple[str, ...], run: str) -> list[dict[str, Any]]:
        """The events of a resumed run, which must end well."""
        program = self.of(*hosts)
        result = program.verb("resume", run, "--yes", "--json", deadline_s=LONG_S)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        return [json.loads(line) for line in result.stdout.splitlines()]

    async def healthy(self, *hosts: str) -> None:
        """Soon there is no finding."""
        await eventually(lambda: self.findings(*hosts) == [], within_s=240)

    def findings(self, *hosts: str) -> list[str]:
        result = self.of(*hosts).verb("status", str(self.of(*hosts).inventory), "--json")
        assert result.stdout, result.stderr
        document = json.loads(result.stdout)["findings"]
        return [f"{one['code']} {one['subject']}" for one in document if one["code"] not in QUIET]

    def traces_of(self, host: str, near: str) -> list[str]:
        """The places where the cluster still has a trace of a host, read on another one."""
        _, members = etcdctl(self.lab, near, "member", "list")
        nodes = kubectl(self.lab, near, "get", "nodes", "-o", "name")
        config = kubectl(self.lab, near, "-n", "kube-system", "get", "configmap", "kubeadm-config", "-o", "yaml")
        address = self.lab.spec.host(host).address
        places = {"members": members, "nodes": nodes, "kubeadm-config": config}
        return [name for name, text in places.items() if re.search(rf"\b{host}\b|{re.escape(address)}\b", text)]

    def secrets_left(self) -> list[str]:
        """Tokens and keys of joins in run logs, hosts' logs and files, and in the API."""
        rest = ["run logs"] if _has_secret(Program(self.lab, self.folder / "state").journals()) else []
        for reading in self.lab.status():
            if not reading.running:
                continue
            journal = self.lab.exec(reading.name, "journalctl", "-o", "export", "--no-pager", deadline_s=60).stdout
            files = ("grep", "-rhsE", TOKEN.pattern, "/run/haconsole", "/var/lib/haconsole", "/etc/kubernetes", "/tmp")
            content = self.lab.exec(reading.name, *files).stdout
            rest += [
                f"{reading.name}: {name}" for name, text in (("log", journal), ("files", content)) if _has_secret(text)
            ]
        return rest + self._stored_secrets()

    def delete_secrets(self) -> None:
        """Delete the tokens and certificates in the API that the cluster was made with."""
        for name in self._stored_secrets():
            kubectl(self.lab, self._near(), "-n", "kube-system", "delete", "--ignore-not-found", name)

    def _stored_secrets(self) -> list[str]:
        stored = kubectl(self.lab, self._near(), "-n", "kube-system", "get", "secrets", "-o", "name").split()
        return [name for name in stored if re.search(r"bootstrap-token-[a-z0-9]{6}$|kubeadm-certs", name)]

    def _near(self) -> str:
        return next(host for host in control_planes(self.lab) if self._serves(host))

    def _serves(self, host: str) -> bool:
        running = {reading.name for reading in self.lab.status() if reading.running}
        return host in running and self.lab.exec(host, "test", "-e", "/etc/kubernetes/admin.conf").returncode == 0

    def _runs(self, host: str, step: str) -> bool:
        return self.lab.exec(host, "sh", "-c", f"cat /run/haconsole/*/{step}.*/pid").returncode == 0


def _has_secret(text: str) -> bool:
    return bool(TOKEN.search(text) or CERTIFICATE_KEY.search(text))
