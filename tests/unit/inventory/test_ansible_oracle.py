"""Inventories are read as Ansible itself reads them: groups, their order, and every variable of every host.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many inventories are generated, and which.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from haconsole.inventory.importers.ansible import AnsibleInventory, read_inventory
from haconsole.inventory.importers.ansible_files import read_variable_files
from haconsole.inventory.problems import InventoryError

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "150"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))
ENCRYPTED = "kube_encrypt_token"
"""A sample's encrypted value, which Ansible gives as its cipher text."""
ORACLE = Path(__file__).parent / "ansible_oracle.py"
KUBESPRAY = Path(__file__).parent / "imports" / "kubespray"
GROUPS = ("etcd", "kube_node", "kube-master", "k8s_cluster", "alpha", "zulu")
PATTERNS = (
    "a",
    "b",
    "c",
    "node[1:3]",
    "node[01:09:4]",
    "cp-[a:c]",
    "r[1:2]-n[1:2]",
    "10.5.0.[1:5:2]",
    "a:2222",
    "[2001:db8::1]:2200",
    "2001:db8::[a:c]",
    "10.5.0.9:22",
    "[b]:2201",
    "x_1.example.org",
    "n[3:1]",
    "n[1:]",
    "n[:2]",
    "n[1:3",
    "n[a:Z]",
    "n[08:10]",
    "n[1:4:0]",
    "-x",
)
NAMES = ("ansible_user", "ansible_port", "ansible_host", "ip", "flag")
INI_VALUES = (
    "root",
    "2222",
    "'quoted'",
    '"two words"',
    "{'a': 1, 'b': [1, 2]}",
    '{"address": "10.5.0.100", "port": 8383}',
    "True",
    "true",
    "None",
    "[1, 2]",
    "(1, 2)",
    "{1}",
    "1_000",
    "0x10",
    "010",
    "b'bytes'",
    "2j",
    "...",
    "a=b",
    "5 # five",
    "word # five",
    "'open",
    "10.5.0.1",
    "1.5",
    "-1",
    "",
    "a\\tb",
)
YAML_VALUES = ("root", "2222", "'2222'", '"two words"', "true", "no", "null", "[1, x]", "{a: 1}", "10.5.0.1", "-1")


def ini(draw: random.Random) -> str:
    """An inventory in INI form, some of whose lines Ansible refuses."""
    lines: list[str] = []
    for group in draw.sample(GROUPS, draw.randint(1, len(GROUPS))):
        lines.append(f"[{group}]{draw.choice(('', '', ' # comment'))}")
        for _ in range(draw.randint(0, 3)):
            rare = draw.random() < 0.05
            words = [draw.choice(PATTERNS if rare else PATTERNS[:14])]
            for name in draw.sample(NAMES, draw.randint(0, 2)):
                value = draw.choice(INI_VALUES)
                words.append(f"{name}={value if ' ' not in value else json.dumps(value)}")
            lines.append(" ".join(words))
    declared = [line[1 : line.index("]")] for line in lines if line.startswith("[") and "]:" not in line]
    groups = [name for name in GROUPS if name in declared]
    for group in draw.sample(groups, draw.randint(0, len(groups))):
        below = groups[groups.index(group) + 1 :]
        if below:
            lines += [f"[{group}:children]", *draw.sample(below, draw.randint(0, min(2, len(below))))]
    for group in draw.sample([*groups, "all"], draw.randint(0, 2)):
        lines.append(f"[{group}:vars]")
        lines += [f"{name} = {draw.choice(INI_VALUES)}" for name in draw.sample(NAMES, draw.randint(0, 3))]
        if draw.random() < 0.3 and group != "all":
            lines.append(f"ansible_group_priority={draw.randint(1, 20)}")
    if draw.random() < 0.5:
        blocks = "\n".join(lines).split("\n[")
        draw.shuffle(blocks)
        lines = [f"[{block.lstrip('[')}" for block in blocks]
    return "\n".join(lines) + "\n"


def yaml_text(draw: random.Random) -> str:
    """An inventory in YAML form."""
    lines = ["all:", "  children:"]
    for group in draw.sample(GROUPS, draw.randint(1, 4)):
        lines += [f"    {group}:", *_yaml_group(draw, "      ")]
        if draw.random() < 0.4:
            other = draw.choice([each for each in GROUPS if GROUPS.index(each) > GROUPS.index(group)] or ["omega"])
            lines += ["      children:", f"        {other}:", *_yaml_group(draw, "          ")]
    if draw.random() < 0.5:
        lines += ["  vars:", *(f"    {name}: {draw.choice(YAML_VALUES)}" for name in draw.sample(NAMES, 2))]
    return "\n".join(lines) + "\n"


def _yaml_group(draw: random.Random, indent: str) -> list[str]:
    lines = [f"{indent}hosts:"]
    for pattern in draw.sample(PATTERNS[:12], draw.randint(0, 3)):
        lines.append(f'{indent}  "{pattern}":')
        lines += [f"{indent}    {name}: {draw.choice(YAML_VALUES)}" for name in draw.sample(NAMES, draw.randint(0, 2))]
    if draw.random() < 0.4:
        lines += [f"{indent}vars:", f"{indent}  {draw.choice(NAMES)}: {draw.choice(YAML_VALUES)}"]
        if draw.random() < 0.3:
            lines.append(f"{indent}  ansible_group_priority: {draw.randint(1, 20)}")
    return lines


def variable_files(draw: random.Random, folder: Path) -> None:
    for kind, owners in (("group_vars", (*GROUPS, "all")), ("host_vars", ("a", "b", "node1", "10.5.0.1"))):
        for owner in draw.sample(owners, draw.randint(0, 3)):
            place = draw.choice(
                ("{}.yml", "{}.yaml", "{}", "{}/main.yml", "{}/z.yml", "{}/x/y.yml", "{}/.h.yml", "{}.json")
            )
            path = folder / kind / place.format(owner)
            if path.parent.is_file() or path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{name}: {draw.choice(YAML_VALUES)}\n" for name in draw.sample(NAMES, 2)))


def generated(root: Path) -> list[Path]:
    paths: list[Path] = []
    for number in range(EXAMPLES):
        draw = random.Random(f"{SEED}/{number}")
        folder = root / str(number)
        folder.mkdir()
        kind = draw.choice(("ini", "ini", "yaml"))
        path = folder / f"hosts.{kind}"
        path.write_text(ini(draw) if kind == "ini" else yaml_text(draw), encoding="utf-8")
        if draw.random() < 0.6:
            variable_files(draw, folder)
        paths.append(path)
    return paths


def ours(path: Path) -> Any:
    try:
        inventory = read_inventory(path.read_bytes(), path.name)
    except InventoryError:
        return None
    inventory.files = read_variable_files(path.parent)
    if not inventory.host_variables:
        return None
    hosts = {name: plain(inventory.variables(name)) for name in inventory.host_variables}
    return {"hosts": hosts, "groups": order(inventory)}


def plain(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name != ENCRYPTED}


def order(inventory: AnsibleInventory) -> dict[str, list[str]]:
    return {name: list(inventory.members(name)) for name in inventory.groups if name not in ("all", "ungrouped")}


def expected(answer: Any) -> Any:
    if answer is None:
        return None
    hosts = {name: plain(variables) for name, variables in answer["hosts"].items()}
    groups = {name: members for name, members in answer["groups"].items() if name not in ("all", "ungrouped")}
    return {"hosts": hosts, "groups": groups}


def same(answer: Any, result: Any, path: Path) -> bool:
    """Ansible itself gives hosts of grandchildren in no certain order."""
    if answer is None or result is None or answer["groups"].keys() != result["groups"].keys():
        return bool(answer == result)
    children = read_inventory(path.read_bytes(), path.name).groups
    return bool(answer["hosts"] == result["hosts"]) and all(
        result["groups"][name] == members
        or (
            any(children[child].children for child in children[name].children)
            and sorted(result["groups"][name]) == sorted(members)
        )
        for name, members in answer["groups"].items()
    )


@pytest.mark.timeout(600)
def test_inventories_are_read_as_ansible_reads_them(tmp_path: Path) -> None:
    shutil.copytree(KUBESPRAY, tmp_path / "kubespray")
    samples = [tmp_path / "kubespray" / name for name in ("stacked/inventory.ini", "cloud/inventory.cfg")]
    paths = [*samples, tmp_path / "kubespray/yaml/hosts.yaml", *generated(tmp_path)]
    answers = subprocess.run(
        [sys.executable, "-W", "ignore", str(ORACLE)],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"},
        check=True,
    ).stdout.splitlines()
    assert len(answers) == len(paths)
    accepted = 0
    for path, line in zip(paths, answers, strict=True):
        answer = expected(json.loads(line))
        accepted += answer is not None
        document = json.loads(json.dumps(ours(path)))
        assert same(answer, document, path), (path.read_text(encoding="utf-8"), document, answer)
    assert accepted > len(paths) // 2
