"""haproxy's runtime API through its stats socket, which only root may open (haproxy Management Guide, section 9.3).

A small shell script on the host connects to the socket with whichever of perl, socat and python3 is there, the one that
costs least first; one of them is on every distribution that has haproxy. perl and python3 can also stay there and print
each change: a new process for each query costs a host more than haproxy's answer does.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from haconsole.model.haproxy import AdminState
from haconsole.model.observed import Cause
from haconsole.scripts import load_script
from haconsole.transport.base import HostTransport, TransportError

SHELL = ("sh", "-s")
_ANSWER_WITHIN_S = 5

_PUMP_PREFIX = re.compile(r"^\d\S+ \d\S+ socat\[\d+\] [A-Z] ", re.MULTILINE)

_PYTHON = """\
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(float(sys.argv[2]))
s.connect(sys.argv[1])
s.sendall(sys.argv[3].encode() + b"\\n")
for part in iter(lambda: s.recv(65536), b""):
    sys.stdout.buffer.write(part)
"""

_PERL = """\
alarm $ARGV[1];
socket(S, 1, 1, 0) or die "socket: $!\\n";
connect(S, pack("Sa*x", 1, $ARGV[0])) or die "connect: $!\\n";
syswrite(S, "$ARGV[2]\\n") or die "write: $!\\n";
print $part while sysread(S, $part, 65536);
"""
"""Needs no module: loading one costs a host more than the query does. Both numbers are AF_UNIX and SOCK_STREAM."""

_STAYING_PERL = """\
my ($path, $within, $commands, $mark, $section, $turns) = @ARGV;
my ($parent, $before, $turn) = (getppid, "", 0);
while (getppid == $parent) {
    my ($began, $answer, $state, @columns) = (time, "", "");
    alarm $within;
    socket(S, 1, 1, 0) or die "socket: $!\\n";
    connect(S, pack("Sa*x", 1, $path)) or die "connect: $!\\n";
    syswrite(S, "$commands\\n") or die "write: $!\\n";
    1 while sysread(S, $answer, 65536, length $answer);
    close S;
    alarm 0;
    die "no answer\\n" if $answer eq "";
    for (split /\\n/, $answer) {
        my @fields = split /,/;
        if (/^# pxname,/) { @columns = grep { $fields[$_] =~ /^(svname|status|check_status|addr)$/ } 0 .. $#fields }
        elsif (@columns) { $state .= join(",", map { s/^[*] //r } @fields[@columns]) . "\\n" }
    }
    if ($turn++ % $turns == 0 or $state ne $before) {
        syswrite(STDOUT, "\\n$mark < $section\\n$answer\\n$mark ! 0\\n\\n$mark >\\n") or die "write: $!\\n";
    }
    $before = $state;
    my $took = time - $began;
    sleep($took > 1 ? $took : 1);
}
"""
"""Ends with the shell that started it. A check that is under way has an asterisk before its last result."""

_STAYING_PYTHON = """\
import os, socket, sys, time
path, within, commands, mark, section, turns = sys.argv[1:]
parent, before, turn = os.getppid(), None, 0
while os.getppid() == parent:
    began, answer, state, columns = time.monotonic(), b"", [], []
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(float(within))
    s.connect(path)
    s.sendall(commands.encode() + b"\\n")
    for part in iter(lambda: s.recv(65536), b""):
        answer += part
    s.close()
    if not answer:
        sys.exit("no answer")
    for line in answer.decode(errors="replace").split("\\n"):
        fields = line.split(",")
        if line.startswith("# pxname,"):
            columns = [at for at, name in enumerate(fields) if name in ("svname", "status", "check_status", "addr")]
        elif columns:
            state.append([fields[at].replace("* ", "") for at in columns if at < len(fields)])
    if turn % int(turns) == 0 or state != before:
        frame = b"\\n%s < %s\\n%s\\n%s ! 0\\n\\n%s >\\n"
        names = mark.encode(), section.encode()
        os.write(1, frame % (*names, answer, names[0], names[0]))
    before, turn = state, turn + 1
    time.sleep(max(1, time.monotonic() - began))
"""


class HaproxyFailure(msgspec.Struct, frozen=True):
    """The reason why haproxy could not be queried, and its fix."""

    cause: Cause
    what: str
    hint: str


class HaproxyError(TransportError):
    """haproxy on a host gave no answer, or refused."""


class HaproxyApi:
    """The haproxy behind `socket_path` on one host."""

    def __init__(self, host: HostTransport, socket_path: str) -> None:
        self._host = host
        self._socket_path = socket_path

    async def ask(self, *commands: str, deadline_s: float = 10.0) -> str:
        """The answers to `commands`, one after the other, each ended by an empty line; HaproxyError without one."""
        script = ask_script(self._socket_path, *commands)
        result = await self._host.run(SHELL, stdin=script.encode(), root=True, deadline_s=deadline_s)
        failure = failure_of(result.exit_status, result.stdout, result.stderr)
        if failure is not None:
            raise HaproxyError(self._host.host, failure.cause, f"haproxy: {failure.what}", hint=failure.hint)
        return result.stdout

    async def set_state(self, backend: str, server: str, state: AdminState, *, deadline_s: float = 10.0) -> None:
        """Drain a server, put it in maintenance or make it ready; holds until haproxy is reloaded.

        `backend` and `server` are names of the configuration, without blanks. Servers that track it follow.
        """
        command = f"set server {backend}/{server} state {state}"
        reply = (await self.ask(command, deadline_s=deadline_s)).strip()
        if reply:
            hint = "compare the backend and server with haproxy.cfg; the stats socket needs level admin"
            raise HaproxyError(self._host.host, Cause.OTHER, f"haproxy, {command}: {reply}", hint=hint)


def ask_script(socket_path: str, *commands: str) -> str:
    """Shell commands (POSIX sh, as root) that put `commands` to haproxy and print what it answers.

    A socket that is not there or not listened to ends them with a status that `failure_of` knows.
    """
    words = (socket_path, _line(commands), str(_ANSWER_WITHIN_S), _PYTHON, _PERL)
    return f"set -- {shlex.join(words)}\n{load_script('haproxy-query')}\n"


def watch_script(socket_path: str, *commands: str, mark: str, section: str, turns: int) -> str:
    """Shell commands that print the answers to `commands` when a server changes, else every `turns` seconds.

    Each answer is a frame of `section` with this `mark`. The commands end when haproxy does not answer; `ask_script`
    then reports the reason. Where no program can stay, they end at once with status 69.
    """
    words = (socket_path, _line(commands), str(_ANSWER_WITHIN_S), mark, section, str(turns))
    return f"set -- {shlex.join((*words, _STAYING_PYTHON, _STAYING_PERL))}\n{load_script('haproxy-watch')}\n"


def _line(commands: tuple[str, ...]) -> str:
    if any(separator in command for command in commands for separator in ";\n"):
        raise ValueError("a haproxy command must not contain a semicolon or a line break")
    return ";".join(commands)


def failure_of(status: int | None, output: str, errors: str) -> HaproxyFailure | None:
    """The failure of `ask_script`, by its exit status and output; None when haproxy answered."""
    message = " ".join(_PUMP_PREFIX.sub("", errors).split())[-300:]
    match status:
        case 0 if output:
            return None
        case 0:
            return HaproxyFailure(Cause.OTHER, "closed the connection without an answer", "read haproxy's journal")
        case None:
            return HaproxyFailure(Cause.CONNECTION_LOST, "the connection was lost before haproxy answered", "retry")
        case 67:
            return HaproxyFailure(
                Cause.NOT_INSTALLED, message, "install haproxy, or remove the load-balancer role from this host"
            )
        case 69:
            return HaproxyFailure(Cause.NOT_INSTALLED, message, "install socat on the host")
        case 72:
            hint = "set haproxy.stats_socket in the inventory to the path in haproxy.cfg, or add a stats socket there"
            return HaproxyFailure(Cause.NOT_CONFIGURED, message, hint)
        case 75:
            return HaproxyFailure(Cause.NOT_RUNNING, message, "start haproxy; its journal has the reason of its stop")
        case 124 | 142:
            return HaproxyFailure(Cause.TIMED_OUT, f"no answer within {_ANSWER_WITHIN_S} s", "check the host's load")
        case _:
            return _from_pump(status, message)


def _from_pump(status: int, message: str) -> HaproxyFailure:
    words = message.lower()
    if "refused" in words or "no such file" in words:
        return HaproxyFailure(Cause.NOT_RUNNING, f"does not listen on its stats socket: {message}", "start haproxy")
    if "permission denied" in words or "not permitted" in words:
        return HaproxyFailure(
            Cause.UNREADABLE, f"no permission to open haproxy's stats socket: {message}", "sudo must give root"
        )
    return HaproxyFailure(Cause.OTHER, f"the query ended with status {status}: {message or 'no output'}", "retry")
