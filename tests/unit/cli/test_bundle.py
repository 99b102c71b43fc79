"""`bundle`: everything in one private file, nothing secret in it, and a list of what is left out."""

from __future__ import annotations

import asyncio
import json
import resource
import tarfile
from pathlib import Path

import msgspec
import pytest

from haconsole.cli.bundle import LEFT_OUT, host_problems, write_bundle
from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode, UsageError
from haconsole.execution.log.run_record import RunStatus
from haconsole.inventory.schema import VirtualIp
from haconsole.model.names import HostName
from haconsole.model.secret import Secret
from haconsole.session.host_texts import HostText, config_files, host_texts
from haconsole.session.redacting import redactor
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.plans import recorded
from tests.fakes.session import FakeSession
from tests.fakes.transport import FakeFleet, completed

SECRET = "vrrpword"
GUARDED = msgspec.structs.replace(INVENTORY, vips=(VirtualIp(address="10.99.0.100", auth_pass=Secret(SECRET)),))
TEXTS = (
    HostText("etcd.service", "[Unit]\nDescription=etcd\n"),
    HostText("/etc/keepalived/keepalived.conf", f"auth_pass {SECRET}\n"),
    HostText("/etc/haproxy/haproxy.cfg", "", "cat: No such file or directory"),
)


class OpenedSession(FakeSession):
    async def __aenter__(self) -> OpenedSession:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    session = OpenedSession(healthy(), inventory=GUARDED, host_texts=TEXTS, records=(recorded(RunStatus.BROKEN_OFF),))
    monkeypatch.setattr("haconsole.session.opening.open_session", lambda *arguments: session)
    path = tmp_path / "lab.yaml"
    path.write_text(f"cluster: lab\nvips: [{{address: 10.99.0.100, auth_pass: {SECRET}}}]\n")
    return path


def test_the_bundle_holds_everything_without_secrets(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bundle.tar.gz"
    assert haconsole(["bundle", str(inventory), "-o", str(path)]) == ExitCode.OK
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        files = {
            member.name.partition("/")[2]: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive.getmembers()
        }
    assert {"MANIFEST.txt", "inventory.yaml", "status.json", "status.txt", "certs.json", "commands.json"} <= set(files)
    assert files["hosts/cp1/etc/keepalived/keepalived.conf"] == "auth_pass ***\n"
    assert json.loads(files["status.json"])["cluster"] == "lab"
    assert any(name.startswith("runs/") for name in files)
    assert not any(SECRET in text for text in files.values())
    assert all(each in files["MANIFEST.txt"] for each in LEFT_OUT)
    assert "cp1: /etc/haproxy/haproxy.cfg: cat: No such file or directory" in files["MANIFEST.txt"]
    assert "cp1: /etc/haproxy/haproxy.cfg" in capsys.readouterr().err


def test_an_existing_file_is_kept(inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    assert haconsole(["bundle", str(inventory), "-o", str(tmp_path / "kept")]) == ExitCode.USAGE
    assert (tmp_path / "kept").read_text() == "kept"


def test_a_file_that_cannot_be_completed_is_removed_and_named(tmp_path: Path) -> None:
    path, before = tmp_path / "b.tgz", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(UsageError, match="cannot be written"):
            write_bundle(path, "b", {"a": "x" * 200}, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not path.exists()


def test_no_key_and_no_kubeconfig_is_read() -> None:
    paths = [path for host in INVENTORY.hosts for path in config_files(INVENTORY, host)]
    assert paths
    assert not any(word in path for path in paths for word in (".key", "pki", "kubeconfig", ".conf.d"))


def test_texts_are_masked_and_failures_named() -> None:
    fleet = FakeFleet()
    host = fleet.host(HostName("cp1"))
    host.when("systemctl", say="[Unit]\n")
    host.when("cat", say=f"auth_pass {SECRET}\n")
    host.when("cat", "--", "/etc/haproxy/haproxy.cfg", say=completed(stderr="cat: no such file", status=1))
    texts = asyncio.run(host_texts(fleet, GUARDED, GUARDED.hosts[0], redactor(GUARDED), journal=False))
    assert not any(SECRET in each.text for each in texts)
    assert {each.name: each.problem for each in texts if each.problem} == {
        "/etc/haproxy/haproxy.cfg": "cat: no such file"
    }


def test_a_host_that_cannot_be_read_has_one_line() -> None:
    """Not one for each unit and file."""
    refused = "cp1: could not connect to cp1:22:\n the connection was refused"
    texts = [("etcd.service", "", refused), ("/etc/etcd/etcd.env", "", refused)]
    assert host_problems("cp1", texts) == ["cp1: everything: could not connect to cp1:22: the connection was refused"]
    more_texts = [*texts, ("journal", "a line", "")]
    assert host_problems("cp1", more_texts)[0].startswith("cp1: etcd.service, /etc/etcd/etcd.env: could not connect")
    assert host_problems("cp1", [("journal", "a line", "")]) == []
