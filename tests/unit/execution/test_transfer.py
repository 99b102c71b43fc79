"""Files copied from and to a host, in parts, completely or not at all."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pytest

from haconsole.actions.operations import CopyFromHost, FetchFile, SendFile, SendFolder
from haconsole.errors import HaconsoleError
from haconsole.execution.host.transfer import PART, not_same, not_same_files, not_whole, transfer
from haconsole.model.names import HostName
from haconsole.transport.base import HostTransport
from tests.unit.execution.local import LocalHost

pytestmark = pytest.mark.usefixtures("posix_shell")

TEXT = random.Random(7).randbytes(PART + 70_001)
SNAPSHOT = TEXT + sha256(TEXT).digest()


@pytest.fixture
def host() -> LocalHost:
    return LocalHost("cp1")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    path = tmp_path / "host" / "a snapshot.db"
    path.parent.mkdir()
    path.write_bytes(SNAPSHOT)
    return path


class FleetOf:
    """A fleet of these hosts."""

    def __init__(self, *hosts: LocalHost) -> None:
        self.hosts = {host.host: host for host in hosts}

    def host(self, name: HostName) -> HostTransport:
        return self.hosts[name]

    async def close(self) -> None:
        return None


def fleet_of(*hosts: LocalHost) -> FleetOf:
    return FleetOf(*hosts)


class Progress(list[str]):
    async def tell(self, text: str) -> None:
        self.append(text)


async def test_a_file_is_fetched_in_parts_and_readable_only_by_its_owner(
    host: LocalHost, there: Path, tmp_path: Path
) -> None:
    here, output = tmp_path / "mine.db", Progress()
    await transfer(fleet_of(host), host.host, FetchFile(str(there), str(here)), output.tell)
    assert here.read_bytes() == SNAPSHOT
    assert (here.stat().st_mode & 0o777, output) == (0o600, ["4 of 4 MiB", "4 of 4 MiB"])
    assert await not_same(host, str(here), str(there)) == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host", "mine.db"]


async def test_no_other_file_is_overwritten(host: LocalHost, there: Path, tmp_path: Path) -> None:
    here = tmp_path / "mine.db"
    here.write_text("a thesis")
    with pytest.raises(HaconsoleError, match="already exists"):
        await transfer(fleet_of(host), host.host, FetchFile(str(there), str(here)), Progress().tell)
    assert here.read_text() == "a thesis"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host", "mine.db"]


async def test_a_folder_that_cannot_be_written_to_is_an_error(host: LocalHost, there: Path, tmp_path: Path) -> None:
    with pytest.raises(HaconsoleError, match="No such file or directory"):
        await transfer(
            fleet_of(host), host.host, FetchFile(str(there), str(tmp_path / "nowhere" / "x.db")), Progress().tell
        )


async def test_a_file_is_sent_and_gets_its_name_once_it_is_complete(host: LocalHost, tmp_path: Path) -> None:
    here, path = tmp_path / "mine.db", tmp_path / "host" / "new.db"
    here.write_bytes(SNAPSHOT)
    path.parent.mkdir()
    path.with_name("new.db.part").write_bytes(b"left by an earlier try, and longer" * PART)
    await transfer(fleet_of(host), host.host, SendFile(str(here), str(path)), Progress().tell)
    assert path.read_bytes() == SNAPSHOT
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["new.db"]


async def test_files_that_differ_are_distinguished(host: LocalHost, there: Path, tmp_path: Path) -> None:
    here = tmp_path / "mine.db"
    assert "No such file" in "".join(await not_same(host, str(here), str(there)))
    here.write_bytes(SNAPSHOT[:-1])
    assert await not_same(host, str(here), str(there)) == (f"{here} differs from {there} on cp1",)


@pytest.mark.parametrize(
    "content", [b"", b"short", SNAPSHOT[:-1], b"x" + SNAPSHOT[1:]], ids=["empty", "short", "cut", "altered"]
)
def test_an_incomplete_snapshot(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.write_bytes(SNAPSHOT)
    assert not_whole(path) == ()
    path.write_bytes(content)
    assert "is damaged or is not a snapshot" in "".join(not_whole(path))


async def test_a_file_is_copied_from_one_host_to_another(host: LocalHost, there: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "other/restore.db", Progress()
    fleet = fleet_of(host, LocalHost("cp2"))
    await transfer(fleet, HostName("cp2"), CopyFromHost(host.host, str(there), str(path)), output.tell)
    assert path.read_bytes() == SNAPSHOT
    assert (path.stat().st_mode & 0o777, output) == (0o600, ["4 of 4 MiB", "4 of 4 MiB"])
    assert [one.name for one in path.parent.iterdir()] == ["restore.db"]


async def test_the_files_of_a_folder_are_sent_once_and_readable_for_all(host: LocalHost, tmp_path: Path) -> None:
    here, path = tmp_path / "mine", tmp_path / "new" / "packages"
    here.mkdir()
    for name in ("a_1.deb", "b_1.deb", "notes.txt"):
        (here / name).write_text(name)
    send, output = SendFolder(str(here), str(path), ".deb"), Progress()
    assert len(await not_same_files(host, str(here), str(path), ".deb")) == 2
    await transfer(fleet_of(host), host.host, send, output.tell)
    assert sorted(file.name for file in path.iterdir()) == ["a_1.deb", "b_1.deb"]
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {0o644}
    assert path.stat().st_mode & 0o777 == 0o755
    assert await not_same_files(host, str(here), str(path), ".deb") == ()
    (path / "a_1.deb").write_text("other")
    second = Progress()
    await transfer(fleet_of(host), host.host, send, second.tell)
    assert second == ["1 of 1: a_1.deb", "0 of 0 MiB"]
    assert (path / "a_1.deb").read_text() == "a_1.deb"


async def test_a_folder_without_such_files_is_an_error_with_its_fix(host: LocalHost, tmp_path: Path) -> None:
    with pytest.raises(HaconsoleError, match=r"has no \*\.rpm"):
        await transfer(fleet_of(host), host.host, SendFolder(str(tmp_path), "/there", ".rpm"), Progress().tell)
    (problem,) = await not_same_files(host, str(tmp_path / "absent"), "/there", ".rpm")
    assert "absent on this machine" in problem
