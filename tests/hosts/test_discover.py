"""The inventory of a real cluster found from any one of its hosts, and good enough to work with."""

from __future__ import annotations

import json
from pathlib import Path

from haconsole.inventory.load import load
from tests.hosts.program import Program


def discovered(program: Program, host: str, to: Path) -> Path:
    """The output of `discover` on that host, which must be an inventory with nothing left to check."""
    lab = program.lab
    folder = lab.inventory_path.parent
    way = ("-i", str(folder / "key"), "--known-hosts", str(folder / "known_hosts"), "--sudo", "passwordless")
    result = program.verb("discover", f"ops@{lab.spec.host(host).address}", *way)
    assert (result.returncode, result.stderr) == (0, "")
    assert "Check this" not in result.stdout
    to.write_text(result.stdout)
    return to


def test_the_inventory_is_the_one_that_the_cluster_was_made_from(installed: Program, tmp_path: Path) -> None:
    match = discovered(installed, "cp2", tmp_path / "found.yaml")
    other = discovered(installed, "cp3", tmp_path / "other.yaml")
    assert match.read_text().splitlines()[1:] == other.read_text().splitlines()[1:]
    inventory, result = load(match), load(installed.lab.inventory_path)
    assert inventory.cluster == result.cluster
    assert [(host.name, host.address, host.roles) for host in inventory.hosts] == [
        (host.name, host.address, host.roles) for host in result.hosts
    ]
    assert (inventory.etcd, inventory.haproxy or result.haproxy) == (result.etcd, result.haproxy)
    assert [vip.address for vip in inventory.vips] == [vip.address for vip in result.vips]

    with_it = Program(installed.lab, installed.state, match)
    document = json.loads(with_it.verb("status", str(match), "--json").stdout)
    assert (document["health"], document["findings"]) == ("healthy", [])
    assert with_it.events("bootstrap")[-1]["changed"] == 0, "bootstrap has nothing to add to what it made"
