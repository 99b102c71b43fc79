"""Questions about files and units, asked of a real shell; units as systemctl printed them on a Debian 12 host."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from haconsole.execution.look import FileSeen, Kind, Question, UnitSeen, content_seen, file_seen, look, unit_seen
from haconsole.transport.base import TransportError
from tests.unit.execution.local import ME, LocalHost

pytestmark = pytest.mark.usefixtures("posix_shell")


async def answer(kind: Kind, subject: Path) -> str:
    question = Question(kind, str(subject))
    return (await look(LocalHost("cp1"), (question,)))[question]


async def test_a_file_is_seen_with_mode_owner_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"content")
    path.chmod(0o640)
    assert file_seen(await answer(Kind.FILE, path)) == FileSeen(0o640, ME, sha256(b"content").hexdigest())
    assert file_seen(await answer(Kind.STAT, path)) == FileSeen(0o640, ME)


@pytest.mark.parametrize("kind", [Kind.FILE, Kind.STAT, Kind.WRITTEN, Kind.CONTENT, Kind.PUBLIC])
async def test_what_is_not_there_is_a_dash(kind: Kind, tmp_path: Path) -> None:
    assert await answer(kind, tmp_path / "none") == "-"


async def test_absent_means_not_there_or_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    told = {name: await answer(Kind.ABSENT, tmp_path / name) for name in ("none", "empty", "full", "dangling")}
    assert told == {"none": "yes", "empty": "yes", "full": "no", "dangling": "no"}


async def test_content_comes_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"two\nlines\x00and a byte")
    assert content_seen(await answer(Kind.CONTENT, tmp_path / "file")) == b"two\nlines\x00and a byte"


async def test_of_a_private_key_only_the_public_half_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", path], check=True)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True).stdout
    assert content_seen(await answer(Kind.PUBLIC, path)) == public
    path.write_text("no key")
    assert content_seen(await answer(Kind.PUBLIC, path)) is None


async def test_many_questions_are_one_command_and_each_is_asked_once(tmp_path: Path) -> None:
    host = LocalHost("cp1")
    (tmp_path / "there").touch()
    there, none = Question(Kind.STAT, str(tmp_path / "there")), Question(Kind.STAT, str(tmp_path / "none"))
    answers = await look(host, (there, none, there))
    assert answers[none] == "-"
    assert file_seen(answers[there]) is not None
    assert len(host.commands) == 1
    assert await look(host, ()) == {}
    assert len(host.commands) == 1


async def test_an_answer_cut_short_is_an_error(tmp_path: Path) -> None:
    class Cut(LocalHost):
        async def run(self, argv, **options):  # type: ignore[no-untyped-def]
            return await super().run(("sh", "-c", "echo one; echo broken >&2; exit 1"), **options)

    with pytest.raises(TransportError, match="heard 1 of 2 answers: broken"):
        await look(Cut("cp1"), (Question(Kind.STAT, "/a"), Question(Kind.STAT, "/b")))


def test_a_running_unit_is_read() -> None:
    seen = unit_seen(
        "ActiveState=active SubState=running UnitFileState=enabled ExecMainStartTimestampMonotonic=90500000 "
        "Up=100.25 Now=1700000000.500000000"
    )
    assert seen == UnitSeen("active", "running", "enabled", 1700000000.5 - 100.25 + 90.5)


def test_a_unit_that_never_ran_is_read() -> None:
    seen = unit_seen(
        "ActiveState=inactive SubState=dead UnitFileState= ExecMainStartTimestampMonotonic=0 Up=100.25 Now=1700000000.5"
    )
    assert seen == UnitSeen("inactive", "dead", "", None)
