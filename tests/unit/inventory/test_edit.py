"""A host taken out of an inventory's text, everything else left unchanged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from haconsole.inventory.edit import diff, without_host

BLOCK = """\
# ours
cluster: lab
hosts:
  # the first
  - name: a
    address: 10.0.0.1
    roles: [etcd]

  - {name: b, address: 10.0.0.2, roles: [etcd]}  # borrowed
  - name: c
    address: 10.0.0.3
    roles:
      - etcd
    ssh:
      user: ops

# the end
etcd:
  client_port: 2379
"""


def test_an_entry_on_one_line() -> None:
    after = without_host(BLOCK, "b")
    assert after == BLOCK.replace("  - {name: b, address: 10.0.0.2, roles: [etcd]}  # borrowed\n", "")


def test_an_entry_of_several_lines_keeps_what_is_around_it() -> None:
    after = without_host(BLOCK, "c")
    assert after is not None
    assert after.endswith("# borrowed\n\n# the end\netcd:\n  client_port: 2379\n")


@pytest.mark.parametrize(
    ("name", "rest"),
    [("a", "[{name: b, address: 10.0.0.2, roles: [etcd]}]"), ("b", "[{name: a, address: 10.0.0.1, roles: [etcd]}]")],
)
def test_a_list_in_brackets(name: str, rest: str) -> None:
    hosts = "[{name: a, address: 10.0.0.1, roles: [etcd]}, {name: b, address: 10.0.0.2, roles: [etcd]}]"
    assert without_host(f"cluster: lab\nhosts: {hosts}\n", name) == f"cluster: lab\nhosts: {rest}\n"


def test_a_host_that_is_not_there() -> None:
    assert without_host(BLOCK, "d") is None


def test_the_last_host_stays() -> None:
    assert without_host("cluster: lab\nhosts:\n  - {name: a, address: 10.0.0.1, roles: [etcd]}\n", "a") is None


def test_a_host_that_others_jump_through_stays() -> None:
    text = BLOCK.replace("user: ops", "jump: b")
    assert without_host(text, "b") is None


def test_the_diff_can_be_applied(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text(BLOCK)
    after = without_host(BLOCK, "b")
    assert after is not None
    output = diff(BLOCK, after, "inventory.yaml")
    subprocess.run(["git", "apply", "-p0", "-"], cwd=tmp_path, input=output, text=True, check=True, capture_output=True)
    assert file.read_text() == after


def test_the_sources_of_software_stay_when_a_host_is_removed() -> None:
    file = Path(__file__).parents[3] / "sample-inventories/kubeadm-bare-machines.yaml"
    before = file.read_text()
    changed = without_host(before, "w1", base=file.parent)
    assert changed is not None
    assert changed[changed.index("preparation:") :] == before[before.index("preparation:") :]
