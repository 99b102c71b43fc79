"""The files of `group_vars` and `host_vars` beside an Ansible inventory, found as Ansible finds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from haconsole.inventory.importers.ansible import VAULT, Origin, VariableFiles, encrypted_lines
from haconsole.inventory.importers.plain import mapping, read_yaml
from haconsole.inventory.load import read
from haconsole.inventory.problems import InventoryError

ENDINGS = ("", ".yml", ".yaml", ".json")
MAX_FILES = 200
MAX_DEPTH = 8


def read_variable_files(folder: Path) -> VariableFiles:
    """Every file that can be read; notes on those that cannot, and on encrypted values."""
    groups: dict[str, dict[str, Any]] = {}
    hosts: dict[str, dict[str, Any]] = {}
    origins: list[Origin] = []
    notes: list[str] = []
    for name, by_owner in (("group_vars", groups), ("host_vars", hosts)):
        paths = list(_files(folder / name))
        notes += [f"{path}: not read, as there are more than {MAX_FILES} files" for _, path in paths[MAX_FILES:]]
        for owner, path in paths[:MAX_FILES]:
            variables = _variables(path, notes)
            by_owner.setdefault(owner, {}).update(variables)
            origins += [Origin(str(path), key) for key in variables]
    return VariableFiles(groups, hosts, tuple(origins), tuple(notes))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Owner and path of each file that counts: of ``a``, ``a.yml``, ``a.yaml`` and ``a.json`` the first there is."""
    owners: dict[str, tuple[int, Path]] = {}
    for path in _listed(folder):
        ending = "" if path.is_dir() else next((each for each in ENDINGS[1:] if path.name.endswith(each)), "")
        name = path.name.removesuffix(ending)
        rank = ENDINGS.index(ending)
        if rank < owners.get(name, (len(ENDINGS), path))[0]:
            owners[name] = (rank, path)
    for name, (_, path) in owners.items():
        yield from ((name, each) for each in (_inside(path, 0) if path.is_dir() else (path,)))


def _inside(folder: Path, depth: int) -> Iterator[Path]:
    for path in _listed(folder):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix and depth < MAX_DEPTH:
            yield from _inside(path, depth + 1)
        elif path.is_file() and path.suffix in ENDINGS:
            yield path


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError:
        return []


def _variables(path: Path, notes: list[str]) -> dict[str, Any]:
    try:
        data = read(path)
        if data.startswith(VAULT):
            notes.append(f"{path}: encrypted (left out)")
            return {}
        content = read_yaml(data, str(path))
    except InventoryError as error:
        if "the file is empty" not in str(error):
            notes.append(f"{error.problems[0]} (left out)")
        return {}
    notes += [f"{path}:{line}: encrypted value (left out)" for line in encrypted_lines(data.decode("utf-8", "replace"))]
    if content is not None and not isinstance(content, dict):
        notes.append(f"{path}: not a mapping of variables (left out)")
    return dict(mapping(content))
