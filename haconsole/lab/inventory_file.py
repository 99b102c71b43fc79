"""The inventory that describes a lab."""

from __future__ import annotations

from pathlib import Path

from haconsole.lab.identity import KEY, KNOWN_HOSTS
from haconsole.lab.spec import LOGIN, HostSpec, LabSpec

INVENTORY = "inventory.yaml"


def inventory_text(spec: LabSpec, folder: Path, kubernetes: str | None = None) -> str:
    """The YAML of a lab's inventory; paths in it are absolute, so that the file may be copied.

    `kubernetes` is the version of the programs on the hosts, None where they are left out.
    """
    version = f"\n  version: {kubernetes}" if kubernetes else ""
    jump = "\n  jump: bastion" if spec.bastion else ""
    hosts = "\n".join(_host_line(host) for host in spec.hosts)
    return f"""# The practice cluster `{spec.name}` on this machine.
cluster: {spec.name}

ssh:
  user: {LOGIN}
  identity_file: {folder / KEY}
  known_hosts: {folder / KNOWN_HOSTS}
  sudo: passwordless{jump}

hosts:
{hosts}

kubernetes:
  endpoint: {spec.vip}:8443{version}
  # quicker than Kubernetes' own 15, 10 and 2, so that practice need not wait
  leader_election: {{lease_duration_s: 8, renew_deadline_s: 6, retry_period_s: 1}}

vips:
  - address: {spec.vip}
    interface: eth0

haproxy:
  bind_port: 8443
"""


def _host_line(host: HostSpec) -> str:
    roles = ", ".join(role.value for role in host.roles)
    return f"  - {{name: {host.name}, address: {host.address}, roles: [{roles}]}}"
