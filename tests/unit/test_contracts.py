"""The layers hold: import contracts, and one importer for each client library."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOLE_IMPORTERS = {
    "asyncssh": {"haconsole/transport/ssh/"},
    "etcd3": {"haconsole/transport/etcd_channel.py"},
    "grpc": {"haconsole/transport/etcd_channel.py"},
    "kubernetes": {"haconsole/transport/kube_client.py"},
    "cryptography": {"haconsole/pki/"},
}


@cache
def sources() -> dict[Path, str]:
    return {path: path.read_text() for path in (ROOT / "haconsole").rglob("*.py")}


def trees(*words: str) -> Iterator[tuple[Path, ast.Module]]:
    """The modules whose source contains one of the words, parsed."""
    return ((path, ast.parse(text)) for path, text in sources().items() if any(word in text for word in words))


def imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("library", SOLE_IMPORTERS)
def test_each_client_library_has_one_home(library: str) -> None:
    allowed = SOLE_IMPORTERS[library]
    modules = trees(f"import {library}", f"from {library}")
    importers = {str(path.relative_to(ROOT)) for path, tree in modules if library in imports(tree)}
    assert importers
    assert {name for name in importers if not name.startswith(tuple(allowed))} == set()


def test_nothing_is_raised_within_except_star() -> None:
    """Python before 3.11.4, Debian 12's among them, wraps such an error in a group that nobody catches."""
    raising = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees("except*")
        for group in ast.walk(tree)
        if isinstance(group, ast.TryStar)
        for handler in group.handlers
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise)
    ]
    assert raising == []
