"""haproxy's servers as its runtime API reports them (haproxy Management Guide, sections 9.1 and 9.3)."""

from __future__ import annotations

import csv

import msgspec

from haconsole.model.haproxy import (
    NEARLY_USED,
    AdminState,
    ConnectionLimit,
    HaproxyBackend,
    HaproxyFacts,
    HaproxyServer,
)
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.script import MARK, Section, SectionAnswer
from haconsole.transport.base import HostTransport
from haconsole.transport.haproxy_api import HaproxyApi, ask_script, failure_of, watch_script

_FRONTENDS_AND_SERVERS = "show stat -1 5 -1"
_FRONTEND = "FRONTEND"
_SECTION = "haproxy"
QUESTIONS = ("show info", _FRONTENDS_AND_SERVERS, "show servers state")
"""Queried together: `show stat` does not contain the administrative state of a server that is also down."""

_MAINT_BITS = 0x01 | 0x02 | 0x04 | 0x40
_DRAIN_BITS = 0x08 | 0x10
_UNRESOLVED_BIT = 0x20
_UNRESOLVED_STATUS = "MAINT (resolution)"


async def probe_haproxy(host: HostTransport, socket_path: str, *, deadline_s: float = 10.0) -> HaproxyFacts:
    """Query haproxy on `host` once; TransportError or ProbeError when there is no answer."""
    return facts_of(await HaproxyApi(host, socket_path).ask(*QUESTIONS, deadline_s=deadline_s))


def section(socket_path: str, *, every: int = 1) -> Section:
    """The same query for the script with several queries of a host; needs root. A change is printed within a second."""
    watch = watch_script(socket_path, *QUESTIONS, mark=MARK, section=_SECTION, turns=every)
    return Section(_SECTION, ask_script(socket_path, *QUESTIONS), every, watch=watch)


def parse(answer: SectionAnswer) -> HaproxyFacts:
    """The facts in the section's output; ProbeError when haproxy could not be queried."""
    failure = failure_of(answer.status, answer.output, answer.errors)
    if failure is not None:
        raise ProbeError(f"haproxy: {failure.what}", failure.cause, hint=failure.hint)
    return facts_of(answer.output)


def facts_of(text: str) -> HaproxyFacts:
    """The facts in the answers to QUESTIONS: backends in the order of the configuration, each with its servers.

    A damaged answer is none: a server less would be a wrong fact.
    """
    answers = _split(text)
    try:
        return _facts(answers)
    except (LookupError, ValueError) as error:
        raise ProbeError(f"haproxy: a damaged answer of its runtime API: {error}", Cause.UNREADABLE) from error


def _facts(answers: _Answers) -> HaproxyFacts:
    states = {(state.backend, state.server): state for state in _states(answers.states)}
    servers: dict[str, list[HaproxyServer]] = {}
    limits = _limit("global", answers.info.get("CurrConns"), answers.info.get("Maxconn"))
    for row in csv.DictReader(answers.stat.removeprefix("# ").splitlines()):
        if not (row["pxname"] and row["svname"] and row["status"]):
            raise ValueError("a line without proxy, server or status")
        limits += _limit(
            row["pxname"] if row["svname"] == _FRONTEND else row["svname"], row.get("scur"), row.get("slim")
        )
        if row["svname"] == _FRONTEND:
            continue
        state = states.get((row["pxname"], row["svname"]))
        servers.setdefault(row["pxname"], []).append(_server(row, state))
    return HaproxyFacts(
        version=answers.info.get("Version", ""),
        uptime_s=_number(answers.info.get("Uptime_sec")),
        backends=tuple(HaproxyBackend(name, tuple(servers_of_backend)) for name, servers_of_backend in servers.items()),
        limits=tuple(limits),
    )


def _limit(name: str, used: str | None, most: str | None) -> list[ConnectionLimit]:
    """The limit, if it exists and is nearly used up."""
    limit = ConnectionLimit(name, _number(used), _number(most))
    return [limit] if limit.most and limit.used >= NEARLY_USED * limit.most else []


class _Answers(msgspec.Struct, frozen=True):
    info: dict[str, str]
    stat: str
    states: str


class _State(msgspec.Struct, frozen=True):
    """One line of `show servers state`: bits of the administrative state (server-state file format)."""

    backend: str
    server: str
    address: str
    admin: int
    fqdn: str


def _split(text: str) -> _Answers:
    """The three answers, each ended by an empty line and recognised by its start."""
    blocks = [block.strip("\n") for block in text.replace("\r\n", "\n").split("\n\n")]
    info = next((block for block in blocks if block.startswith("Name:")), None)
    stat = next((block for block in blocks if block.startswith("# pxname,")), None)
    states = next((block for block in blocks if block.startswith("1\n# be_id")), "")
    if info is None or stat is None:
        excerpt = " ".join(text.split())[:200]
        hint = "see that haproxy.stats_socket of the inventory is haproxy's own stats socket"
        raise ProbeError(f"haproxy: unexpected output of its runtime API: {excerpt!r}", Cause.UNREADABLE, hint=hint)
    return _Answers(dict(_pair(line) for line in info.splitlines()), stat, states)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


def _states(text: str) -> tuple[_State, ...]:
    lines = text.splitlines()
    if len(lines) < 2:
        return ()
    names = lines[1].removeprefix("# ").split()
    return tuple(_state(dict(zip(names, line.split(), strict=False))) for line in lines[2:])


def _state(row: dict[str, str]) -> _State:
    address, port = row["srv_addr"], row.get("srv_port", "0")
    url_host = f"[{address}]" if ":" in address else address
    known = "" if address == "-" else f"{url_host}:{port}"
    fqdn = row.get("srv_fqdn", "-").removeprefix("-")
    return _State(row["be_name"], row["srv_name"], known, int(row["srv_admin_state"]), fqdn)


def _server(row: dict[str, str], state: _State | None) -> HaproxyServer:
    status = row["status"]
    return HaproxyServer(
        name=row["svname"],
        address=row.get("addr") or (state.address if state else ""),
        status=status,
        admin_state=_by_bits(state.admin) if state else _by_status(status),
        check=(row.get("check_status") or "").removeprefix("* "),
        check_detail=_detail(row),
        sessions=_number(row.get("scur")),
        last_change_s=_number(row.get("lastchg")),
        rate=_number(row.get("rate")),
        queue=_number(row.get("qcur")),
        fqdn=state.fqdn if state else "",
    )


def _by_bits(admin: int) -> AdminState:
    if admin & _MAINT_BITS:
        return AdminState.MAINT
    if admin & _DRAIN_BITS:
        return AdminState.DRAIN
    return AdminState.UNRESOLVED if admin & _UNRESOLVED_BIT else AdminState.READY


def _by_status(status: str) -> AdminState:
    """The state that the status shows: ``MAINT (via b/s)``, ``DRAIN 1/3``; a DOWN server hides its drain."""
    if status == _UNRESOLVED_STATUS:
        return AdminState.UNRESOLVED
    if status.startswith("MAINT"):
        return AdminState.MAINT
    return AdminState.DRAIN if status.startswith("DRAIN") else AdminState.READY


def _detail(row: dict[str, str]) -> str:
    """The last check as text, e.g. ``Layer7 wrong status, code 500: Internal Server Error``."""
    words, code, last = row.get("check_desc") or "", row.get("check_code") or "", row.get("last_chk") or ""
    text = f"{words}, code {code}" if words and code not in ("", "0") else words
    return ": ".join(part for part in (text, last) if part)


def _number(text: str | None) -> int:
    return int(text) if text and text.lstrip("-").isdecimal() else 0
