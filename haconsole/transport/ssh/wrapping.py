"""The one place where argument lists become a command line, with its time-out, its way to root and its locale.

The login's shell must be a POSIX one. `exec` keeps the process number that is printed after READY down to `timeout`.
"""

from __future__ import annotations

import re
import shlex
from enum import Enum

from haconsole.scripts import load_script
from haconsole.transport.base import Argv

READY = re.compile(rb"haconsole-ready (\d+)\n")
"""Printed to stderr by the process that becomes the command; earlier output of shell and sudo is not the command's."""

GO = b"haconsole-go\n"
"""Ends what sudo may have left of a password on stdin."""

_LOCALE = "export LC_ALL=C.UTF-8"
_KILL_AFTER_S = 2
_SAY_READY = "echo haconsole-ready $$ >&2"
_TAKE_PASSWORD = 'while read -r l; do [ "$l" = haconsole-go ] && break; done'
_AS_ROOT = f'{_LOCALE}; {_SAY_READY}; exec "$@"'
_AS_ROOT_BY_PASSWORD = f'{_LOCALE}; {_SAY_READY}; {_TAKE_PASSWORD}; exec "$@"'
_LIFELINE = load_script("lifeline")


class Become(Enum):
    """A command's way to root: none, sudo without, or sudo with a password on stdin."""

    NOT = "not"
    FREELY = "freely"
    BY_PASSWORD = "by-password"


def command(argv: Argv, become: Become, limit_s: float) -> str:
    """`argv` ended by the host itself after `limit_s` seconds: by SIGTERM, by SIGKILL two seconds later."""
    return _line(("timeout", "-k", str(_KILL_AFTER_S), f"{limit_s:.3f}", *argv), become)


def stream(argv: Argv, become: Become, stdin_bytes: int) -> str:
    """`argv` fed with the first `stdin_bytes` of stdin and ended when the rest of it ends, as it does with the channel.

    All of its process group is: `timeout 0` limits nothing, but makes one, and sees to SIGKILL after SIGTERM. Where the
    command ends first, sshd closes stdin and so ends what feeds it.
    """
    lifeline = ("sh", "-c", _LIFELINE, "lifeline", str(stdin_bytes))
    return _line(("timeout", "-k", str(_KILL_AFTER_S), "0", *lifeline, *argv), become)


def ending(pid: int) -> Argv:
    """Ends the command that printed READY with this number; `timeout` passes the signal on to all of it."""
    return ("kill", "-TERM", str(pid))


def _line(argv: Argv, become: Become) -> str:
    match become:
        case Become.NOT:
            return f"{_LOCALE}; {_SAY_READY}; exec {shlex.join(argv)}"
        case Become.FREELY:
            return _sudo(("-n", "-n", "--", "sh", "-c", _AS_ROOT, "root", *argv))
        case Become.BY_PASSWORD:
            return _sudo(("-S", "-p", "", "--", "sh", "-c", _AS_ROOT_BY_PASSWORD, "root", *argv))


def _sudo(argv: Argv) -> str:
    return f"{_LOCALE}; exec sudo {shlex.join(argv)}"
