"""Generated files of every tool give the generator's values, and no setting of theirs is dropped silently.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many files are generated for a tool, and which.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from haconsole.cli.main import run
from haconsole.inventory import effective
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory
from tests.unit.inventory import made_clusters
from tests.unit.inventory.made_clusters import Draw, Made, Node, write

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "25"))
SEED = os.environ.get("HACONSOLE_ORACLE_SEED", "1")
TOOLS: dict[str, Callable[[Draw], Made]] = {
    "k0sctl": made_clusters.k0sctl,
    "kubekey": made_clusters.kubekey,
    "kubespray": made_clusters.kubespray,
    "kubeasz": made_clusters.kubeasz,
}


def nodes_of(inventory: Inventory) -> tuple[Node, ...]:
    ways = {host.name: effective.ssh_for(inventory, host) for host in inventory.hosts}
    return tuple(
        Node(
            name=host.name,
            address=host.address,
            roles=tuple(host.roles),
            reach=host.ssh_address,
            user=ways[host.name].user,
            port=ways[host.name].port if ways[host.name].port_given else None,
            key=host.ssh.identity_file or inventory.ssh.identity_file,
            member=effective.etcd_name(host) if "etcd" in host.roles else None,
        )
        for host in inventory.hosts
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_the_values_are_those_of_the_generator(tool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = 0
    for number in range(EXAMPLES):
        product = TOOLS[tool](Draw(f"{SEED}/{tool}/{number}"))
        path = write(product, tmp_path / str(number), "hosts" if tool.startswith("kubes") else "config")
        run(["import", tool, str(path)])
        text = capsys.readouterr().out
        result = parse(text, "f", Path("/"))
        output = f"{product.text}\n{product.files}\n{text}"
        assert isinstance(result, Inventory), output
        assert nodes_of(result) == product.nodes, output
        for part, values in ((result.etcd, product.etcd), (result.kubernetes, product.kubernetes)):
            assert {name: getattr(part, name) for name in values} == values, output
        assert [name for name in product.unknown if name not in text] == [], output
        unknown += len(product.unknown)
    assert unknown > EXAMPLES / 4
