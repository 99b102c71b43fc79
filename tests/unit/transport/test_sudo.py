"""How to become root, and what sudo's words mean."""

from __future__ import annotations

import pytest

from haconsole.inventory.schema import Sudo
from haconsole.model.names import HostName
from haconsole.transport.ssh.sudo import become_for, is_wrong_password, refused
from haconsole.transport.ssh.wrapping import Become

CP1 = HostName("cp1")


@pytest.mark.parametrize(
    ("sudo", "user", "root", "become"),
    [
        (Sudo.PASSWORDLESS, "ops", False, Become.NOT),
        (Sudo.PASSWORDLESS, "ops", True, Become.FREELY),
        (Sudo.PASSWORD, "ops", True, Become.BY_PASSWORD),
        (Sudo.PASSWORD, "root", True, Become.NOT),
        (Sudo.NONE, "admin", True, Become.NOT),
    ],
)
def test_sudo_is_used_where_it_is_needed(sudo: Sudo, user: str, root: bool, become: Become) -> None:
    assert become_for(sudo, user, root=root) is become


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("sudo: a password is required", "ssh.sudo: password"),
        ("sudo: a terminal is required to read the password; either use the -S option", "requiretty"),
        ("sudo: sorry, you must have a tty to run sudo", "requiretty"),
        ("bash: line 1: exec: sudo: not found", "install sudo"),
        ("ops is not in the sudoers file.", "sudoers"),
        ("Sorry, user ops is not allowed to execute '/bin/sh' as root on cp1.", "sudoers"),
        ("", "sudoers"),
    ],
)
def test_a_refusal_has_a_hint(message: str, hint: str) -> None:
    error = refused(CP1, message)
    assert hint in error.hint
    assert message in error.what


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ("Sorry, try again.", True),
        ("Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt", True),
        ("ops is not in the sudoers file.", False),
    ],
)
def test_a_wrong_password_is_distinguished_from_a_refusal(message: str, wrong: bool) -> None:
    assert is_wrong_password(message) is wrong
