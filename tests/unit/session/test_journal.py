"""Journals of several hosts in one stream: captured entries, and a host that is lost."""

from __future__ import annotations

import json
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from haconsole.model.journal import ERROR, JournalLine
from haconsole.model.names import HostName
from haconsole.session.journal import LogSources, around, around_argv, follow, journal_argv, journal_line
from tests.fakes.transport import FakeFleet, completed

CP1, CP2 = HostName("cp1"), HostName("cp2")
SSHD = (
    '{"_SYSTEMD_CGROUP":"/system.slice/ssh.service","SYSLOG_IDENTIFIER":"sshd","_TRANSPORT":"syslog","_GID":"0",'
    '"SYSLOG_FACILITY":"10","_HOSTNAME":"cp1","MESSAGE":"pam_unix(sshd:session): session closed for user ops",'
    '"_UID":"0","_SYSTEMD_UNIT":"ssh.service","_SYSTEMD_SLICE":"system.slice","_PID":"4014","_COMM":"sshd",'
    '"PRIORITY":"6","__REALTIME_TIMESTAMP":"1795265619471152","__MONOTONIC_TIMESTAMP":"7428598002"}'
)
BYTES = (
    '{"_HOSTNAME":"cp1","_PID":"4087","__REALTIME_TIMESTAMP":"1795267283236336","_CMDLINE":"/bin/cat","_COMM":"cat",'
    '"MESSAGE":[99,97,102,233,32,27,91,51,49,109,114,101,100,27,91,48,109],"_TRANSPORT":"stdout","PRIORITY":"3",'
    '"_SYSTEMD_SLICE":"-.slice","_UID":"0","_EXE":"/usr/bin/cat","SYSLOG_IDENTIFIER":"probe"}'
)


def test_an_entry_of_a_unit() -> None:
    at = datetime(2026, 11, 21, 12, 53, 39, 471152, UTC)
    text = "pam_unix(sshd:session): session closed for user ops"
    assert journal_line(CP1, SSHD) == JournalLine(CP1, at, "ssh", text, 6)


def test_a_message_that_is_no_text_comes_as_bytes() -> None:
    line = journal_line(CP1, BYTES)
    assert line is not None
    assert (line.source, line.text, line.priority) == ("probe", "caf\ufffd \x1b[31mred\x1b[0m", ERROR)


@pytest.mark.parametrize("text", ["", "-- No entries --", "[]", "{}", '{"__REALTIME_TIMESTAMP":"soon"}', "null"])
def test_what_is_no_entry_is_left_out(text: str) -> None:
    assert journal_line(CP1, text) is None


async def test_hosts_come_interleaved_and_a_lost_one_has_a_line() -> None:
    fleet = FakeFleet()
    sources = {CP1: LogSources(("ssh.service",)), CP2: LogSources(("etcd.service", "haproxy.service"))}
    fleet.host(CP1).when_followed(*journal_argv(sources[CP1].units, 50), lines=(SSHD, "-- Reboot --", BYTES))
    fleet.host(CP2).cut()
    report = []
    async with aclosing(follow(fleet, sources, last=50)) as lines:
        async for line in lines:
            report.append((line.host, line.source, line.text))
            if len(report) == 4:
                break
    assert ("cp1", "ssh", "pam_unix(sshd:session): session closed for user ops") in report
    assert ("cp2", "haconsole", "cp2: made to fail: connection-lost; trying again") in report
    assert ("cp1", "haconsole", "the journal ended; trying again") in report
    (call,) = fleet.host(CP1).calls
    assert call.root
    assert call.argv[-4:] == ("-n", "50", "-u", "ssh.service")


def test_systemds_own_lines_are_labelled_systemd() -> None:
    entry = {"__REALTIME_TIMESTAMP": "1772334000000000", "_SYSTEMD_UNIT": "init.scope", "MESSAGE": "Started etcd."}
    line = journal_line(HostName("cp1"), json.dumps(entry))
    assert line is not None
    assert (line.source, line.text) == ("systemd", "Started etcd.")


AT = datetime(2026, 11, 21, 12, 53, 40, tzinfo=UTC)


async def test_entries_around_a_moment() -> None:
    fleet = FakeFleet()
    argv = around_argv(("etcd.service",), AT)
    assert argv[argv.index("--since") + 1] == f"@{int(AT.timestamp()) - 60}"
    assert argv[argv.index("--until") + 1] == f"@{int(AT.timestamp()) + 60}"
    assert "--follow" not in argv
    fleet.host(CP1).when(*argv, say=f"{SSHD}\n-- No entries --\n")
    (line,) = await around(fleet, CP1, LogSources(("etcd.service",)), AT)
    assert (line.host, line.source) == ("cp1", "ssh")


async def test_a_host_whose_journal_cannot_be_read_has_an_entry_about_that() -> None:
    fleet = FakeFleet()
    argv = around_argv(("etcd.service",), AT)
    fleet.host(CP1).when(*argv, say=completed(stderr="No journal files were found.", status=1))
    (refused,) = await around(fleet, CP1, LogSources(("etcd.service",)), AT)
    assert (refused.source, refused.text, refused.priority) == ("haconsole", "No journal files were found.", ERROR)
    fleet.host(CP2).cut()
    (cut_off,) = await around(fleet, CP2, LogSources(("etcd.service",)), AT)
    assert cut_off.priority == ERROR
