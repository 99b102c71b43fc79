"""Three balancers that are this machine with captured answers, and a folder of certificates."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from haconsole.inventory.schema import Haproxy, Host, Inventory, Keepalived, VirtualIp
from haconsole.model.hosts import Role
from tests.fakes.local_host import LocalFleet, LocalHost
from tests.fakes.pki_folder import Pki

CASES = Path(__file__).parent / "cases"
PUSH = "pushed"


def captured(case: str) -> str:
    output: str = yaml.safe_load((CASES / f"{case}.yaml").read_text())["output"]
    return output


def programs(folder: Path) -> dict[str, str]:
    """`ip` lists a captured answer and monitors a named pipe; keepalived and systemd give captured answers."""
    (folder / "addresses").write_text(captured("addresses/owner"))
    (folder / "units").write_text(captured("services/balancer"))
    return {
        "ip": f'case "$*" in *monitor*) exec cat <>{PUSH} ;; *) cat {folder}/addresses ;; esac',
        "systemctl": f'case "$*" in *InvocationID*) echo InvocationID=ab; echo ActiveState=active ;; '
        f"*) cat {folder}/units ;; esac",
        "keepalived": "echo 'Keepalived v2.2.7 (01/16,2022)'",
        "journalctl": "echo '(VI_1) Entering MASTER STATE'; echo '(VI_1) Entering BACKUP STATE (init)'",
    }


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    config = tmp_path / "keepalived.conf"
    config.write_text("vrrp_instance VI_1 {\n  interface kpa\n  virtual_router_id 51\n}\n")
    hosts = tuple(Host(name=f"lb{n}", address=f"10.77.0.{n}", roles=(Role.LOAD_BALANCER,)) for n in (1, 2))
    bastion = Host(name="gate", address="10.77.0.9", roles=(Role.BASTION,))
    return Inventory(
        cluster="c",
        hosts=(*hosts, bastion),
        vips=(VirtualIp(address="10.77.0.100/24"),),
        haproxy=Haproxy(),
        keepalived=Keepalived(config_file=str(config), down_file=str(tmp_path / "down")),
    )


@pytest.fixture
def hosts(tmp_path: Path, inventory: Inventory) -> dict[str, LocalHost]:
    result = {host.name: LocalHost(host.name, tmp_path, programs(tmp_path)) for host in inventory.hosts}
    for host in result.values():
        os.mkfifo(host.folder / PUSH)
    return result


@pytest.fixture
def fleet(hosts: dict[str, LocalHost]) -> LocalFleet:
    return LocalFleet(*hosts.values())


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)
