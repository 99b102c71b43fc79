"""Queries of files and units on a real shell; units as systemctl printed them on a Debian 12 host."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from haconsole.execution.host.host_query import (
    FileState,
    HostQuery,
    QueryKind,
    UnitState,
    content_of,
    file_state,
    query_host,
    unit_state,
)
from haconsole.transport.base import TransportError
from tests.unit.execution.local import ME, LocalHost

pytestmark = pytest.mark.usefixtures("posix_shell")


async def answer(kind: QueryKind, subject: Path) -> str:
    query = HostQuery(kind, str(subject))
    return (await query_host(LocalHost("cp1"), (query,)))[query]


async def test_a_file_is_seen_with_mode_owner_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"content")
    path.chmod(0o640)
    assert file_state(await answer(QueryKind.FILE, path)) == FileState(0o640, ME, sha256(b"content").hexdigest())
    assert file_state(await answer(QueryKind.STAT, path)) == FileState(0o640, ME)


@pytest.mark.parametrize(
    "kind", [QueryKind.FILE, QueryKind.STAT, QueryKind.WRITTEN, QueryKind.CONTENT, QueryKind.PUBLIC]
)
async def test_what_is_not_there_is_a_dash(kind: QueryKind, tmp_path: Path) -> None:
    assert await answer(kind, tmp_path / "none") == "-"


async def test_absent_means_not_there_or_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    output = {name: await answer(QueryKind.ABSENT, tmp_path / name) for name in ("none", "empty", "full", "dangling")}
    assert output == {"none": "yes", "empty": "yes", "full": "no", "dangling": "no"}


async def test_content_comes_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"two\nlines\x00and a byte")
    assert content_of(await answer(QueryKind.CONTENT, tmp_path / "file")) == b"two\nlines\x00and a byte"


async def test_only_the_public_half_of_a_private_key_is_returned(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", path], check=True)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True).stdout
    assert content_of(await answer(QueryKind.PUBLIC, path)) == public
    path.write_text("no key")
    assert content_of(await answer(QueryKind.PUBLIC, path)) is None


async def test_many_queries_are_one_command_and_each_is_in_it_once(tmp_path: Path) -> None:
    host = LocalHost("cp1")
    (tmp_path / "there").touch()
    there, none = HostQuery(QueryKind.STAT, str(tmp_path / "there")), HostQuery(QueryKind.STAT, str(tmp_path / "none"))
    answers = await query_host(host, (there, none, there))
    assert answers[none] == "-"
    assert file_state(answers[there]) is not None
    assert len(host.commands) == 1
    assert await query_host(host, ()) == {}
    assert len(host.commands) == 1


async def test_an_answer_cut_short_is_an_error(tmp_path: Path) -> None:
    class Cut(LocalHost):
        async def run(self, argv, **options):  # type: ignore[no-untyped-def]
            return await super().run(("sh", "-c", "echo one; echo broken >&2; exit 1"), **options)

    with pytest.raises(TransportError, match="received 1 of 2 answers: broken"):
        await query_host(Cut("cp1"), (HostQuery(QueryKind.STAT, "/a"), HostQuery(QueryKind.STAT, "/b")))


def test_a_running_unit_is_read() -> None:
    reading = unit_state(
        "ActiveState=active SubState=running UnitFileState=enabled ExecMainStartTimestampMonotonic=90500000 "
        "Up=100.25 Now=1700000000.500000000"
    )
    assert reading == UnitState("active", "running", "enabled", 1700000000.5 - 100.25 + 90.5)


def test_a_unit_that_never_ran_is_read() -> None:
    reading = unit_state(
        "ActiveState=inactive SubState=dead UnitFileState= ExecMainStartTimestampMonotonic=0 Up=100.25 Now=1700000000.5"
    )
    assert reading == UnitState("inactive", "dead", "", None)
