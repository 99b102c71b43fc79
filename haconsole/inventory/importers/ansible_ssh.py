"""Ansible's login to a host, as an inventory describes it; notes on settings that an inventory cannot describe."""

from __future__ import annotations

import re
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
_TARGET = r"([A-Za-z0-9_.@:\[\]-]+)"
_JUMPS = (
    re.compile(rf"^(?:-J\s*|-o\s*['\"]?ProxyJump[= ]){_TARGET}['\"]?$"),
    re.compile(rf"^-o\s*ProxyCommand=['\"]?ssh (?:-q )?-W %h:%p (?:-q )?{_TARGET}['\"]?$"),
    re.compile(rf"^-o\s*['\"]ProxyCommand=ssh (?:-q )?-W %h:%p (?:-q )?{_TARGET}['\"]$"),
)


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
    """The jump host in ssh's arguments, where they name nothing else."""
    arguments = [words for name in ARGUMENTS if (words := text(known.get(name)))]
    if len(arguments) != 1:
        return None
    return next((match[1] for form in _JUMPS if (match := form.match(arguments[0].strip()))), None)


def ssh_notes(inventory: AnsibleInventory, hosts: Iterable[str], bastion: HostDraft | None) -> Iterator[str]:
    """Notes on the login to `hosts`, which are copied, and to the bastion."""
    bastions = inventory.members("bastion")
    known = {name: inventory.settings(name) for name in dict.fromkeys((*hosts, *bastions))}
    for name, each in known.items():
        way = text(each.get("ansible_connection"))
        if way is not None and way not in _BY_SSH:
            yield f"host {name} is not reached by SSH (ansible_connection={way}): add its SSH settings"
    yield from _privilege_notes(known)
    for argument in ARGUMENTS:
        if any(argument in each and jump_of(each) is None for each in known.values()):
            yield f"{argument} is not copied: write a jump host as ssh.jump, other options in ssh_config"
    if any(key.endswith(("_pass", "_password")) for each in known.values() for key in each):
        yield "passwords are not copied: SSH keys log in, and the console prompts for a sudo password"
    if len(bastions) > 1:
        yield f"there are several bastions; only {bastions[0]} is copied"
    if bastions and bastion is None and (key := ssh_settings(known[bastions[0]]).get("identity_file")):
        yield f"the key {key} of {reached_at(known[bastions[0]], bastions[0])} is not copied: write it in ssh_config"


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
