"""Ansible's login to a host, as an inventory describes it; notes on settings that an inventory cannot describe."""

from __future__ import annotations

import getopt
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from haconsole.inventory.importers.ansible import AnsibleInventory, Origin
from haconsole.inventory.importers.draft import HostDraft, Settings
from haconsole.inventory.importers.plain import number, text

ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_args")
PASSWORDS = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
SSH_VARIABLES = frozenset(
    (
        *ARGUMENTS,
        *PASSWORDS,
        "ansible_host",
        "ansible_ssh_host",
        "ansible_user",
        "ansible_ssh_user",
        "ansible_port",
        "ansible_ssh_port",
        "ansible_ssh_private_key_file",
        "ansible_private_key_file",
        "ansible_connection",
        "ansible_password",
        "ansible_ssh_pass",
        "ansible_become",
        "ansible_become_user",
        "ansible_become_method",
        "ansible_group_priority",
        "ansible_python_interpreter",
    )
)
_SUDO = ("sudo", "ansible.builtin.sudo")
_BY_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "community.general.paramiko_ssh")
_TARGET = re.compile(r"(?:[A-Za-z0-9_.-]+@)?(?:[A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_OPTION = re.compile(r"(?i)(ProxyJump|ProxyCommand)\s*[= ]\s*(.*)", re.DOTALL)


def reached_at(known: Mapping[str, Any], name: str) -> str:
    return text(known.get("ansible_host")) or text(known.get("ansible_ssh_host")) or name


def ssh_settings(known: Mapping[str, Any]) -> Settings:
    user = text(known.get("ansible_user")) or text(known.get("ansible_ssh_user"))
    key = known.get("ansible_ssh_private_key_file") or known.get("ansible_private_key_file")
    has_password = any(name in known for name in PASSWORDS)
    return {
        "user": user,
        "port": number(known.get("ansible_port")) or number(known.get("ansible_ssh_port")),
        "identity_file": text(key),
        "sudo": "none" if user == "root" else "password" if has_password else None,
    }


def jump_of(known: Mapping[str, Any]) -> str | None:
    """The jump host in ssh's arguments, where they name one."""
    jumps = [jump for jump, _ in _read_arguments(known) if jump]
    return jumps[0] if len(set(jumps)) == 1 else None


def _has_other_arguments(known: Mapping[str, Any], name: str) -> bool:
    """Whether a variable has arguments of ssh that no inventory can hold."""
    jump = jump_of(known)
    return any(other or own_jump != jump for own_jump, other in _read_arguments({name: known.get(name)}))


def _read_arguments(known: Mapping[str, Any]) -> Iterator[tuple[str | None, bool]]:
    """Of each variable that is set: the jump host, and whether there is anything else."""
    for name in ARGUMENTS:
        if arguments := text(known.get(name)):
            words = _split(arguments)
            jump, rest = _jump_and_rest(words) if words is not None else (None, ["?"])
            yield jump, bool(rest)


def _split(arguments: str) -> list[str] | None:
    try:
        return shlex.split(arguments)
    except ValueError:
        return None


def _jump_and_rest(words: list[str]) -> tuple[str | None, list[str]]:
    """``-J`` and ``-o`` may have their value in the same word or in the next one."""
    jump: str | None = None
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        option, value = (word[:2], word[2:] or next(remaining, "")) if word[:2] in ("-J", "-o") else (word, "")
        own_jump = _jump_of_option(option, value) if jump is None else None
        if own_jump is None:
            rest += [option, value] if value else [option]
        jump = jump or own_jump
    return jump, rest


def _jump_of_option(option: str, value: str) -> str | None:
    named = _OPTION.fullmatch(value) if option == "-o" else None
    if named and named[1].lower() == "proxycommand":
        return _jump_of_command(_split(named[2]) or [])
    target = value if option == "-J" else named[2] if named else ""
    return target if _TARGET.fullmatch(target) else None


def _jump_of_command(words: list[str]) -> str | None:
    """The host of ``ssh -W %h:%p HOST``, with its port and user; None where the command has other options."""
    if len(words) == 1:
        words = _split(words[0]) or []
    if words[:1] != ["ssh"]:
        return None
    try:
        options, targets = getopt.gnu_getopt(words[1:], "qW:p:l:")
    except getopt.GetoptError:
        return None
    by_name = dict(options)
    if by_name.get("-W") != "%h:%p" or len(targets) != 1:
        return None
    user = f"{by_name['-l']}@" if "-l" in by_name and "@" not in targets[0] else ""
    port = f":{by_name['-p']}" if "-p" in by_name else ""
    target = f"{user}{targets[0]}{port}"
    return target if _TARGET.fullmatch(target) else None


def ssh_notes(inventory: AnsibleInventory, hosts: Iterable[str], bastion: HostDraft | None) -> Iterator[str]:
    """Notes on the login to `hosts`, which are copied, and to the bastion."""
    bastions = inventory.members("bastion")
    known = {name: inventory.settings(name) for name in dict.fromkeys((*hosts, *bastions))}
    for name, each in known.items():
        way = text(each.get("ansible_connection"))
        if way is not None and way not in _BY_SSH:
            yield f"ansible_connection of host {name} is {way}; haconsole needs SSH: add the host's SSH settings"
    yield from _privilege_notes(known)
    for argument in ARGUMENTS:
        without = [each for each in known.values() if _has_other_arguments(each, argument)]
        if without:
            copied = all(jump_of({argument: each[argument]}) and jump_of(each) for each in without)
            what = (
                "is copied only as ssh.jump: write its other options in ssh_config"
                if copied
                else "is not copied: write a jump host as ssh.jump, and its other options in ssh_config"
            )
            yield f"{argument} {what}"
    if any(key.endswith(("_pass", "_password")) for each in known.values() for key in each):
        yield "passwords are not copied: log in with SSH keys, and the console prompts for a sudo password"
    if len(bastions) > 1:
        yield f"there are several bastions; only {bastions[0]} is copied"
    if bastions and bastion is None and (key := ssh_settings(known[bastions[0]]).get("identity_file")):
        yield (
            f"the SSH key {key} of {reached_at(known[bastions[0]], bastions[0])} is not copied: name it as "
            "IdentityFile in ssh_config"
        )


def _privilege_notes(known: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Notes on ways to root that are not sudo's, each with its hosts."""
    for variable, usual in (("ansible_become_method", _SUDO), ("ansible_become_user", ("root",))):
        others: dict[str, list[str]] = {}
        for name, each in known.items():
            if (value := text(each.get(variable))) and value not in usual:
                others.setdefault(value, []).append(name)
        for value, names in others.items():
            yield f"{variable}={value} of {', '.join(names)} is not copied: the console uses sudo to become root"


def unread(origins: Iterable[Origin], read: frozenset[str]) -> Iterator[str]:
    """One note for each place with settings that are not read."""
    places: dict[str, dict[str, None]] = {}
    for origin in origins:
        if origin.name not in read:
            places.setdefault(origin.place, {})[origin.name] = None
    for place, names in places.items():
        first, others = list(names)[:10], len(names) - 10
        more = f" and {others} others" if others > 0 else ""
        yield f"{place}: not read: {', '.join(first)}{more}"
