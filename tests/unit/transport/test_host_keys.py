"""Whether the host is the right one: known, unknown, changed, revoked, certified."""

from __future__ import annotations

import asyncio
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh import SshFleet
from haconsole.transport.ssh.deadline import Deadline
from haconsole.transport.ssh.host import SshHost
from haconsole.transport.ssh.known_hosts import look_up, name_in_known_hosts, remember
from tests.fakes.answers import ScriptedAnswers
from tests.fakes.sshd import Sshd, inventory_of, make_key, running_sshd
from tests.fakes.waiting import eventually
from tests.unit.transport.conftest import MakeFleet

CP1 = HostName("cp1")


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "ssh" / "known_hosts"


def line_of(public_key: Path, name: str) -> str:
    return f"{name} {public_key.read_text()}"


def fingerprint_of(server: Sshd) -> str:
    output = subprocess.run(["ssh-keygen", "-lf", server.host_key], capture_output=True, text=True, check=True)
    return output.stdout.split()[1]


async def test_an_unknown_key_is_refused_with_its_fingerprint(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    with pytest.raises(TransportError, match="is unknown") as excinfo:
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known))).host(CP1).connect()
    assert excinfo.value.cause is Cause.HOST_KEY_UNKNOWN
    assert f"--accept-host-key {fingerprint_of(sshd)}" in excinfo.value.hint
    assert not known.exists()


async def test_an_accepted_key_is_remembered_and_prompted_for_once(
    sshd: Sshd, make_fleet: MakeFleet, known: Path
) -> None:
    answers = ScriptedAnswers(accepts=True)
    inventory = inventory_of({"cp1": sshd}, known_hosts=str(known))
    host = make_fleet(inventory, answers).host(CP1)
    result = await asyncio.gather(*(host.run(("true",)) for _ in range(3)))
    assert all(each.ok for each in result)
    name = f"[127.0.0.1]:{sshd.port}"
    assert answers.requests == [("host-key", "cp1", name, "ssh-ed25519", fingerprint_of(sshd))]
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert known.read_text().split()[:2] == [name, "ssh-ed25519"]
    assert (await make_fleet(inventory).host(CP1).run(("true",))).ok


async def test_the_time_a_person_takes_is_not_counted() -> None:
    deadline = Deadline(0.05)
    async with deadline.paused():
        await asyncio.sleep(0.06)
    assert 0 < deadline.remaining_s <= 0.05


async def test_a_person_may_take_longer_than_the_deadline(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    answers = ScriptedAnswers(accepts=True, answered=asyncio.Event())
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers).host(CP1)
    task = asyncio.create_task(host.run(("true",), deadline_s=1.5))
    await asyncio.wait((task,), timeout=1.6)
    answers.answered.set()  # type: ignore[union-attr]
    assert (await task).ok


async def test_callers_behind_a_prompt_get_an_error(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    answers = ScriptedAnswers(accepts=True, answered=asyncio.Event())
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers).host(CP1)
    first = asyncio.create_task(
        host.run(
            ("true",),
        )
    )
    await eventually(lambda: bool(answers.requests))
    with pytest.raises(TransportError, match="answer to a prompt"):
        await host.run(("true",), deadline_s=0.1)
    assert answers.answered is not None
    answers.answered.set()
    assert (await first).ok


async def test_a_late_answer_is_kept_for_the_next(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    answers = ScriptedAnswers(accepts=True, answered=asyncio.Event())
    fleet = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers)
    await asked_and_given_up(fleet, answers)
    answers.answered.set()  # type: ignore[union-attr]
    assert (await fleet.host(CP1).run(("true",))).ok
    assert len(answers.requests) == 1


async def test_an_open_question_is_withdrawn_at_the_end(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    answers = ScriptedAnswers(accepts=True, answered=asyncio.Event())
    fleet = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers)
    await asked_and_given_up(fleet, answers)
    await fleet.close()


async def asked_and_given_up(fleet: SshFleet, answers: ScriptedAnswers) -> None:
    asking = asyncio.create_task(fleet.host(CP1).connect())
    await eventually(lambda: bool(answers.requests))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_refusal_holds_until_it_is_forgotten(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    answers = ScriptedAnswers()
    fleet = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers)
    for _ in range(2):
        with pytest.raises(TransportError):
            await fleet.host(CP1).connect()
    assert len(answers.requests) == 1
    answers.accepts = True
    fleet.forget_refusals()
    await fleet.host(CP1).connect()


async def test_an_accepted_key_holds_where_no_file_keeps_it(sshd: Sshd, make_fleet: MakeFleet) -> None:
    answers = ScriptedAnswers(accepts=True)
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts="/dev/null"), answers).host(CP1)
    assert (await host.run(("true",))).ok
    sshd.drop_connections()
    assert (await host.run(("true",), deadline_s=10)).ok
    assert len(answers.requests) == 1


async def test_a_file_that_cannot_be_written_is_named(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    answers = ScriptedAnswers(accepts=True)
    with pytest.raises(TransportError, match="Not a directory") as excinfo:
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts="/dev/null/x"), answers).host(CP1).connect()
    assert "/dev/null" in excinfo.value.what


async def test_a_changed_key_is_never_accepted(sshd: Sshd, make_fleet: MakeFleet, known: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    known.parent.mkdir()
    known.write_text("# ours\n\n" + line_of(tmp_path / "other.pub", f"[127.0.0.1]:{sshd.port}"))
    before = known.read_bytes()
    answers = ScriptedAnswers(accepts=True)
    with pytest.raises(TransportError) as excinfo:
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers).host(CP1).connect()
    assert excinfo.value.cause is Cause.HOST_KEY_CHANGED
    assert f"{known}:3" in excinfo.value.what
    assert fingerprint_of(sshd) in excinfo.value.what
    assert (answers.requests, known.read_bytes()) == ([], before)


async def test_a_host_without_the_known_kind_of_key_has_changed(
    sshd: Sshd, make_fleet: MakeFleet, known: Path, tmp_path: Path
) -> None:
    make_key(tmp_path / "other", kind="ecdsa")
    known.parent.mkdir()
    known.write_text(line_of(tmp_path / "other.pub", f"[127.0.0.1]:{sshd.port}"))
    with pytest.raises(TransportError) as excinfo:
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known))).host(CP1).connect()
    assert (excinfo.value.cause, f"{known}:1" in excinfo.value.what) == (Cause.HOST_KEY_CHANGED, True)


async def test_a_revoked_key_is_refused(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    known.parent.mkdir()
    line = line_of(sshd.folder / "host.pub", f"[127.0.0.1]:{sshd.port}")
    known.write_text(f"{line}@revoked {line}")
    with pytest.raises(TransportError, match="revoked") as excinfo:
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known))).host(CP1).connect()
    assert excinfo.value.cause is Cause.HOST_KEY_CHANGED


async def test_a_hashed_line_is_found(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    known.parent.mkdir()
    known.write_text(line_of(sshd.folder / "host.pub", f"[127.0.0.1]:{sshd.port}"))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    assert known.read_text().startswith("|1|")
    assert (await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known))).host(CP1).run(("true",))).ok


async def test_the_same_key_known_without_its_port_is_taken(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    known.parent.mkdir()
    known.write_text(line_of(sshd.folder / "host.pub", "127.0.0.1"))
    assert (await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known))).host(CP1).run(("true",))).ok


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[Sshd]:
    """A server that shows a certificate of its own CA beside its key."""
    make_key(tmp_path / "ca")
    folder = tmp_path / "certified"
    folder.mkdir()
    make_key(folder / "host")
    sign = [
        "ssh-keygen",
        "-q",
        "-s",
        str(tmp_path / "ca"),
        "-I",
        "x",
        "-h",
        "-n",
        "127.0.0.1",
        str(folder / "host.pub"),
    ]
    subprocess.run(sign, check=True, capture_output=True)
    with running_sshd(folder, extra=f"HostCertificate {folder}/host-cert.pub") as server:
        yield server


async def test_a_host_certificate_of_a_known_ca_is_enough(
    certified: Sshd, make_fleet: MakeFleet, known: Path, tmp_path: Path
) -> None:
    known.parent.mkdir()
    known.write_text("@cert-authority " + line_of(tmp_path / "ca.pub", "[127.0.0.1]:*"))
    assert (await make_fleet(inventory_of({"cp1": certified}, known_hosts=str(known))).host(CP1).run(("true",))).ok


async def test_a_certificate_of_an_unknown_ca_leaves_the_key_to_a_person(
    certified: Sshd, make_fleet: MakeFleet, known: Path
) -> None:
    answers = ScriptedAnswers(accepts=True)
    host = make_fleet(inventory_of({"cp1": certified}, known_hosts=str(known)), answers).host(CP1)
    assert (await host.run(("true",))).ok
    assert answers.requests[0][4] == fingerprint_of(certified)


async def test_a_ca_known_for_everybody_leaves_plain_keys_to_a_person(
    sshd: Sshd, make_fleet: MakeFleet, known: Path, tmp_path: Path
) -> None:
    make_key(tmp_path / "ca")
    known.parent.mkdir()
    known.write_text("@cert-authority " + line_of(tmp_path / "ca.pub", "*"))
    answers = ScriptedAnswers(accepts=True)
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known)), answers).host(CP1)
    assert (await host.run(("true",))).ok
    assert len(known.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("patterns", "matches"),
    [
        ("cp1.example.org", True),
        ("*.example.org", True),
        ("cp?.example.org,other", True),
        ("other,CP1.EXAMPLE.ORG", True),
        ("*.example.org,!cp1.example.org", False),
        ("[cp1.example.org]:22", False),
        ("[cp1.example.org]:2222", False),
        ("cp11.example.org", False),
        ("|1|not-base64|x", False),
    ],
)
def test_patterns_of_known_hosts(sshd: Sshd, known: Path, patterns: str, matches: bool) -> None:
    known.parent.mkdir()
    known.write_text(line_of(sshd.folder / "host.pub", patterns) + "garbage\n\n@marker only\n")
    assert bool(look_up((known, known.with_name("none")), "CP1.example.org").lines) is matches


def test_a_port_of_its_own_is_written_in_brackets(sshd: Sshd, known: Path) -> None:
    known.parent.mkdir()
    known.write_text(line_of(sshd.folder / "host.pub", "[cp1]:2222"))
    assert name_in_known_hosts("CP1", 2222) == "[cp1]:2222"
    assert len(look_up((known,), "[cp1]:2222").trusted) == 1


@pytest.mark.parametrize("separator", ["\v", "\f", "\x1c", "\x85", "\u2028", "\r"])
def test_a_comment_ends_only_with_its_line(sshd: Sshd, known: Path, separator: str) -> None:
    known.parent.mkdir()
    line, other = (line_of(sshd.folder / "host.pub", name) for name in ("cp1", "cp2"))
    known.write_bytes(f"{line.rstrip()} {separator}{other}".encode())
    assert bool(look_up((known,), "cp1").trusted)
    assert not look_up((known,), "cp2").lines


def test_a_line_is_added_after_an_unfinished_one(sshd: Sshd, known: Path) -> None:
    known.parent.mkdir()
    known.write_text("# no newline at the end")
    key = look_up((sshd.known_hosts,), f"[127.0.0.1]:{sshd.port}").trusted[0]
    remember(known, "cp1", key)
    assert known.read_text().splitlines()[0] == "# no newline at the end"
    assert look_up((known,), "cp1").trusted == (key,)


ALIAS = [
    ("blue-a", "host", "accepted"),
    ("blue-a", "host", "revoked"),
    ("blue-a", "other", "changed"),
    ("[blue-a]:{port}", "host", "unknown"),
    ("127.0.0.1", "host", "unknown"),
    ("[127.0.0.1]:{port}", "host", "unknown"),
]
"""Names and keys in known_hosts for a host with `HostKeyAlias blue-a`, and what OpenSSH makes of them."""


@pytest.mark.parametrize(("name", "key", "outcome"), ALIAS)
async def test_an_alias_is_looked_up_without_a_port_as_by_openssh(
    sshd: Sshd, make_fleet: MakeFleet, known: Path, tmp_path: Path, name: str, key: str, outcome: str
) -> None:
    make_key(tmp_path / "other")
    public = {"host": sshd.folder / "host.pub", "other": tmp_path / "other.pub"}
    line = line_of(public[key], name.format(port=sshd.port))
    known.parent.mkdir()
    known.write_text(line + ("@revoked " + line if outcome == "revoked" else ""))
    config = tmp_path / "config"
    config.write_text(f"HostKeyAlias Blue-A\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n")
    assert outcome_of_openssh(sshd, config) == outcome
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known), config=str(config))).host(CP1)
    assert await outcome_of(host) == outcome


def outcome_of_openssh(server: Sshd, config: Path) -> str:
    """The real client's judgement of the host's key; a prompt counts as `unknown`."""
    target = ["-p", str(server.port), "-i", str(server.user_key), f"{server.user}@127.0.0.1"]
    argv = ["ssh", "-F", str(config), "-o", "BatchMode=yes", "-o", "UpdateHostKeys=no", *target, "true"]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    if result.returncode == 0:
        return "accepted"
    words = (("REVOKED HOST KEY", "revoked"), ("IDENTIFICATION HAS CHANGED", "changed"))
    return next((outcome for text, outcome in words if text in result.stderr), "unknown")


async def outcome_of(host: SshHost) -> str:
    try:
        await host.connect()
    except TransportError as error:
        if "revoked" in error.what:
            return "revoked"
        return {Cause.HOST_KEY_CHANGED: "changed", Cause.HOST_KEY_UNKNOWN: "unknown"}[error.cause]
    return "accepted"


async def test_a_key_accepted_for_an_alias_is_written_without_a_port(
    sshd: Sshd, make_fleet: MakeFleet, known: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(f"HostKeyAlias Blue-A\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n")
    answers = ScriptedAnswers(accepts=True)
    inventory = inventory_of({"cp1": sshd}, known_hosts=str(known), config=str(config))
    await make_fleet(inventory, answers).host(CP1).connect()
    assert answers.requests[0][2] == "blue-a"
    assert known.read_text().split()[0] == "blue-a"
    assert outcome_of_openssh(sshd, config) == "accepted"


async def test_a_key_revoked_without_its_port_is_not_accepted(sshd: Sshd, make_fleet: MakeFleet, known: Path) -> None:
    known.parent.mkdir()
    line = line_of(sshd.folder / "host.pub", "127.0.0.1")
    known.write_text(f"{line}@revoked {line}")
    with pytest.raises(TransportError):
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts=str(known))).host(CP1).connect()
