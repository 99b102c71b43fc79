"""Failures of a connection, from an exception to a cause and a message."""

from __future__ import annotations

import errno
import re
import socket

import asyncssh
import msgspec

from haconsole.model.observed import Cause

_NUMBER = re.compile(r"\[Errno (-?\d+)\]")
_BY_NUMBER = {
    errno.ECONNREFUSED: Cause.REFUSED,
    errno.ETIMEDOUT: Cause.TIMED_OUT,
    errno.EHOSTUNREACH: Cause.NO_ROUTE,
    errno.ENETUNREACH: Cause.NO_ROUTE,
    errno.EHOSTDOWN: Cause.NO_ROUTE,
    errno.ECONNRESET: Cause.CONNECTION_LOST,
    errno.EPIPE: Cause.CONNECTION_LOST,
}
_BY_WORDS = (
    ("connection refused", Cause.REFUSED),
    ("timed out", Cause.TIMED_OUT),
    ("no route to host", Cause.NO_ROUTE),
    ("network is unreachable", Cause.NO_ROUTE),
    ("name or service not known", Cause.NAME_NOT_FOUND),
    ("temporary failure in name resolution", Cause.NAME_NOT_FOUND),
    ("nodename nor servname", Cause.NAME_NOT_FOUND),
)
_SAID = {
    Cause.REFUSED: ("the connection was refused", "check that sshd runs on the host, and that the port is right"),
    Cause.TIMED_OUT: ("no answer in time", "check that the host is up and no firewall drops the packets"),
    Cause.NO_ROUTE: ("there is no route to it", "check the address, the network, and whether a jump host is needed"),
    Cause.NAME_NOT_FOUND: ("the name is not known here", "check the spelling, or give an address"),
    Cause.CONNECTION_LOST: (
        "it closed the connection before the login was done",
        "sshd may be starting, or limit logins (MaxStartups)",
    ),
}


class SshFailure(msgspec.Struct, frozen=True):
    """A cause, the answer as text, and the fix."""

    cause: Cause
    message: str
    hint: str


def trouble_of(error: BaseException) -> SshFailure:
    """Read an exception raised while connecting (refused host keys and logins are reported by other code)."""
    match error:
        case TimeoutError():
            return _known(Cause.TIMED_OUT)
        case socket.gaierror():
            return _known(Cause.NAME_NOT_FOUND)
        case asyncssh.ConnectionLost():
            return _known(Cause.CONNECTION_LOST)
        case asyncssh.DisconnectError() if "authentication failures" in error.reason:
            return SshFailure(Cause.AUTH_FAILED, error.reason, "set ssh.identity_file to the right key")
        case asyncssh.ChannelOpenError():
            return _through_tunnel(error)
        case asyncssh.Error():
            return SshFailure(Cause.OTHER, error.reason, "")
        case OSError():
            return _of_system(error)
        case _:
            return SshFailure(Cause.OTHER, f"{type(error).__name__}: {error}", "")


def _known(cause: Cause) -> SshFailure:
    return SshFailure(cause, *_SAID[cause])


def _of_system(error: OSError) -> SshFailure:
    """One address' error, or several joined into one text by asyncio; the last address tried decides."""
    numbers = [error.errno] if error.errno else [int(number) for number in _NUMBER.findall(str(error))]
    cause = _BY_NUMBER.get(numbers[-1]) if numbers else None
    return _known(cause) if cause else SshFailure(Cause.OTHER, str(error), "")


def _through_tunnel(error: asyncssh.ChannelOpenError) -> SshFailure:
    """A jump host's message when it cannot reach the next; OpenSSH gives the system's message as the reason."""
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        message = f"the jump host does not forward connections ({error.reason})"
        hint = "allow forwarding on the jump host (AllowTcpForwarding, PermitOpen)"
        return SshFailure(Cause.JUMP_FAILED, message, hint)
    words = error.reason.lower()
    for known, cause in _BY_WORDS:
        if known in words:
            return _known(cause)
    return SshFailure(Cause.JUMP_FAILED, f"the jump host could not reach the host: {error.reason}", "")
