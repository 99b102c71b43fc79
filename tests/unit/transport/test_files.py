"""Files against a real sshd: any name, any content, completely or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import pytest_asyncio

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.host import SshHost
from tests.fakes.sshd import Sshd, inventory_of
from tests.unit.transport.conftest import MakeFleet

OWNER = f"{os.getuid()}:{os.getgid()}"
NAMES = ["plain", "two words", "it's", '"$HOME"', "-n", "new\nline", "trailing\n", "é", "*", "a;b", "\\back"]


@pytest_asyncio.fixture
async def host(sshd: Sshd, make_fleet: MakeFleet) -> SshHost:
    return make_fleet(inventory_of({"cp1": sshd})).host(HostName("cp1"))


@pytest.mark.parametrize("name", NAMES)
async def test_odd_names_are_written_and_read(host: SshHost, tmp_path: Path, name: str) -> None:
    path = f"{tmp_path}/{name}/{name}"
    await host.write_file(path, b"content", owner=OWNER)
    assert await host.read_file(path) == b"content"
    assert [each.name for each in (tmp_path / name).iterdir()] == [name]


@pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n\x1b", b"no newline", b"-"])
async def test_any_bytes_come_back(host: SshHost, tmp_path: Path, data: bytes) -> None:
    await host.write_file(f"{tmp_path}/file", data, owner=OWNER)
    assert (tmp_path / "file").read_bytes() == data
    assert await host.read_file(f"{tmp_path}/file") == data


async def test_twenty_megabytes_come_back(host: SshHost, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 20
    await host.write_file(f"{tmp_path}/file", data, owner=OWNER, deadline_s=30)
    assert await host.read_file(f"{tmp_path}/file", deadline_s=30) == data


async def test_mode_and_folder_are_made_and_the_old_file_replaced(host: SshHost, tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "key"
    for mode in (0o600, 0o644):
        await host.write_file(str(path), oct(mode).encode(), mode=mode, owner=OWNER)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    assert path.read_text() == "0o644"


async def test_a_missing_file_is_none(host: SshHost, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert await host.read_file(f"{tmp_path}/none") is None
    assert await host.read_file(f"{tmp_path}/file/below") is None


async def test_what_cannot_be_read_is_an_error(host: SshHost, tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="Is a directory") as excinfo:
        await host.read_file(str(tmp_path))
    assert excinfo.value.cause is Cause.UNREADABLE


async def test_a_folder_is_not_overwritten(host: SshHost, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TransportError, match="could not write"):
        await host.write_file(f"{tmp_path}/folder", b"x", owner=OWNER)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


async def test_an_unknown_owner_leaves_nothing_behind(host: SshHost, tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="no-such-user"):
        await host.write_file(f"{tmp_path}/file", b"x", owner="no-such-user:root")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["relative", "/folder/", ""])
async def test_a_path_that_names_no_file_is_refused(host: SshHost, path: str) -> None:
    with pytest.raises(TransportError, match="absolute path"):
        await host.write_file(path, b"x")
