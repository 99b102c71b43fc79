"""No secret but where it belongs: searched for on a host and here, in processes, files and logs, around a bootstrap."""

from __future__ import annotations

import base64
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program
from tests.hosts.secrets import Processes

pytestmark = pytest.mark.timeout(600)
AUTH_PASS = "kV9-xw3q"
PLACES = ("/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var", "/dev/shm")
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.+?)-----END", re.DOTALL)
KEY_DATA = re.compile(r"client-key-data: ([A-Za-z0-9+/=]+)")
HOMES = re.compile(
    r"/etc/(etcd|kubernetes)/pki/[a-z./-]+\.key|/etc/kubernetes/(pki/)?[a-z-]+\.(conf|key)|/etc/keepalived/keepalived\.conf"
)
NOT_OURS = re.compile(r"/etc/ssh/ssh_host_.*|/etc/ssl/private/.*")


@dataclass
class Bootstrapped:
    """A host bootstrapped while all processes were looked over, and where the run was recorded."""

    lab: Lab
    folder: Path
    processes: Processes

    def find(self, *words: str) -> set[str]:
        """The files of the host that hold one of the words."""
        argv = self.lab.command("cp1", ("grep", "-rlIF", "-f", "-", *PLACES))
        result = subprocess.run(argv, input="\n".join(words), capture_output=True, text=True, timeout=120)
        return set(result.stdout.split())

    def read(self, path: str) -> str:
        return self.lab.exec("cp1", "cat", path).stdout


WHOLE, PARTS = ("",), ("etcd", "haproxy", "keepalived")


@pytest.fixture(scope="module", params=[PARTS, pytest.param(WHOLE, marks=pytest.mark.nightly)], ids=["parts", "whole"])
def run_of_all(
    request: pytest.FixtureRequest, make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory
) -> Bootstrapped:
    """A host with all but Kubernetes, or with all."""
    lab = make_lab_for_session(hosts=1, kubernetes=request.param == WHOLE)
    folder = tmp_path_factory.mktemp("operator")
    inventory = folder / "inventory.yaml"
    text = lab.inventory_path.read_text()
    inventory.write_text(text.replace("    interface: eth0\n", f"    interface: eth0\n    auth_pass: {AUTH_PASS}\n", 1))
    (folder / "tmp").mkdir()
    program = Program(lab, folder / "state", inventory, {"TMPDIR": str(folder / "tmp")})
    with Processes() as processes, (folder / "said").open("w") as message:
        for part in request.param:
            ended = program("run", "bootstrap", "--yes", "--json", *(("--only", part) if part else ()))
            assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
            message.write(ended.stdout + ended.stderr)
    inventory.unlink()
    return Bootstrapped(lab, folder, processes)


@pytest.fixture(scope="module")
def keys(run_of_all: Bootstrapped) -> dict[str, tuple[str, ...]]:
    """Lines of every private key on the host, by its path; those of kubeconfigs both encoded and decoded."""
    result: dict[str, tuple[str, ...]] = {}
    for path in run_of_all.find("PRIVATE KEY-----", "client-key-data:"):
        text = run_of_all.read(path)
        encoded = KEY_DATA.findall(text)
        pems = [text, *(base64.b64decode(one).decode() for one in encoded)]
        lines = [line for pem in pems for key in KEY.findall(pem) for line in key.splitlines() if len(line) > 20]
        result[path] = (*lines, *(one[len(one) // 2 :][:60] for one in encoded))
    return result


def test_private_keys_lie_where_they_belong_and_only_root_reads_them(
    run_of_all: Bootstrapped, keys: dict[str, tuple[str, ...]]
) -> None:
    ours = {path for path in keys if not NOT_OURS.fullmatch(path)}
    assert len(ours) >= 4
    assert [path for path in ours if not HOMES.fullmatch(path)] == []
    modes = run_of_all.lab.exec("cp1", "stat", "-c", "%a %n", *ours).stdout.splitlines()
    assert [line for line in modes if not line.startswith("600 ")] == []
    words = [line for path in ours for line in keys[path]]
    assert {path for path in run_of_all.find(*words) if not HOMES.fullmatch(path)} == set()


def test_the_vrrp_password_is_only_in_keepaliveds_file(run_of_all: Bootstrapped) -> None:
    assert run_of_all.find(AUTH_PASS) == {"/etc/keepalived/keepalived.conf"}
    assert run_of_all.lab.exec("cp1", "stat", "-c", "%a", "/etc/keepalived/keepalived.conf").stdout.strip() in (
        "600",
        "640",
    )


def test_no_process_has_a_secret_in_its_arguments_or_environment(
    run_of_all: Bootstrapped, keys: dict[str, tuple[str, ...]]
) -> None:
    assert any(b"haconsole" in reading for reading in run_of_all.processes.observations)
    assert any(b"/usr/bin/etcd" in reading for reading in run_of_all.processes.observations)
    words = {AUTH_PASS, *(line for lines in keys.values() for line in lines)}
    everything = b"\0".join(run_of_all.processes.observations)
    assert [word for word in words if word.encode() in everything] == []
    assert run_of_all.processes.holding("PRIVATE KEY-----") == []


def test_no_file_and_no_output_here_holds_a_secret(run_of_all: Bootstrapped, keys: dict[str, tuple[str, ...]]) -> None:
    words = {AUTH_PASS, "PRIVATE KEY-----", *(line for lines in keys.values() for line in lines)}
    files = [path for path in run_of_all.folder.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".jsonl"]
    assert [str(path) for path in files if any(word in path.read_text(errors="replace") for word in words)] == []


def test_no_log_of_the_host_holds_a_secret(run_of_all: Bootstrapped, keys: dict[str, tuple[str, ...]]) -> None:
    log = run_of_all.lab.exec("cp1", "journalctl", "-o", "export", "--no-pager", deadline_s=60).stdout
    assert "haconsole" in log or "sudo" in log
    words = {AUTH_PASS, "PRIVATE KEY-----", *(line for lines in keys.values() for line in lines)}
    assert [word for word in words if word in log] == []


def test_the_run_leaves_nothing_on_the_host(run_of_all: Bootstrapped) -> None:
    assert run_of_all.lab.exec("cp1", "ls", "-A", "/run/haconsole").stdout == ""
    assert run_of_all.lab.exec("cp1", "ls", "-A", "/var/lib/haconsole/lock").stdout == ""
    rest = run_of_all.lab.exec("cp1", "find", "/tmp", "/var/tmp", "/etc", "-name", "*haconsole*").stdout.split()
    assert [path for path in rest if ".haconsole." in path or path.startswith(("/tmp", "/var/tmp"))] == []
