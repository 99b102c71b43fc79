"""Print, as JSON, what Ansible makes of each inventory named on standard input, one path a line; one process for all.

An inventory that Ansible refuses is printed as null.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager

INTERNAL = {
    "playbook_dir",
    "omit",
    "groups",
    "group_names",
    "vars",
    "environment",
    "role_names",
    "ansible_facts",
    "ansible_config_file",
}


def read(path: str) -> Any:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[path])
    if not inventory.hosts:
        return None
    manager = VariableManager(loader=loader, inventory=inventory)
    hosts = {}
    for name, host in inventory.hosts.items():
        known = manager.get_vars(host=host, include_hostvars=False, stage="all")
        hosts[name] = {
            key: value
            for key, value in known.items()
            if key not in INTERNAL
            and not key.startswith(
                (
                    "inventory_",
                    "ansible_version",
                    "ansible_playbook",
                    "ansible_diff",
                    "ansible_check",
                    "ansible_forks",
                    "ansible_run",
                    "ansible_skip",
                    "ansible_limit",
                    "ansible_verbosity",
                )
            )
        }
    groups = {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()}
    return {"hosts": hosts, "groups": groups}


def main() -> None:
    display = Display()
    for method in ("warning", "deprecated", "error", "display"):
        setattr(display, method, lambda *_, **__: None)
    for line in sys.stdin:
        try:
            result = read(line.rstrip("\n"))
        except Exception:
            result = None
        print(json.dumps(result, default=str), flush=True)


if __name__ == "__main__":
    main()
