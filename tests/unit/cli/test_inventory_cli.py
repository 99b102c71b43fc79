"""`check` and `schema` as someone at a terminal sees them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.inventory.problems import InventoryError, Mark, Problem

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests/unit/inventory/cases"
LAB = ROOT / "sample-inventories/lab.yaml"


def test_a_valid_inventory_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(LAB)]) == ExitCode.OK
    captured = capsys.readouterr()
    roles = "3 etcd voters, 3 control planes, 3 load balancers"
    assert captured.out == f"{LAB}: lab is valid: 3 hosts ({roles}), VIP 10.99.0.100, API at 10.99.0.100:8443\n"
    assert captured.err == ""


def test_every_error_is_a_line_and_the_status_is_5(capsys: pytest.CaptureFixture[str]) -> None:
    path = CASES / "etcd.yaml"
    assert run(["check", str(path)]) == ExitCode.INVALID_INVENTORY
    captured = capsys.readouterr()
    assert captured.out == path.with_suffix(".txt").read_text().replace("etcd.yaml:", f"{path}:")
    assert captured.err == f"{path}: 3 errors and 2 warnings\n"


def test_warnings_without_errors_leave_the_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(CASES / "warnings.yaml")]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [": warning: " in line for line in lines] == [True, True, True, False]
    assert lines[-1].endswith("; 3 warnings")


def test_a_dash_reads_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"cluster: lab: two\n")))
    assert run(["check", "-"]) == ExitCode.INVALID_INVENTORY
    assert capsys.readouterr().out.startswith("<stdin>:1:13: ")


def test_a_missing_file_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["check", str(tmp_path / "none.yaml")]) == ExitCode.INVALID_INVENTORY
    assert "none.yaml:1:1: the file cannot be read: No such file or directory" in capsys.readouterr().err
    assert run(["check", str(tmp_path)]) == ExitCode.INVALID_INVENTORY
    assert "Is a directory" in capsys.readouterr().err


def test_the_schema_is_json_for_editors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == ExitCode.OK
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    parts = schema["$defs"]
    assert all(part["additionalProperties"] is False for part in parts.values() if part.get("type") == "object")
    entries = [(name, key, entry) for name, part in parts.items() for key, entry in part.get("properties", {}).items()]
    assert [(name, key) for name, key, entry in entries if not entry.get("description")] == []
    assert parts["VirtualIp"]["properties"]["auth_pass"]["anyOf"][0]["writeOnly"] is True


def test_an_error_that_leaves_a_verb_names_every_problem() -> None:
    problems = (Problem("a.yaml", Mark(3, 7), "x is 1", "write 2"), Problem("a.yaml", Mark(4, 1), "y is 1", "write 3"))
    error = InventoryError(problems)
    assert str(error).splitlines() == [
        "the inventory has 2 errors:",
        "a.yaml:3:7: x is 1; write 2",
        "a.yaml:4:1: y is 1; write 3",
    ]
    assert error.exit_code == 5


@pytest.mark.parametrize("module", ["haconsole.inventory.load", "haconsole.cli.inventory"])
def test_importing_the_loader_does_not_load_yaml(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'yaml', 'textual', 'asyncssh', 'asyncio'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert result.stdout == "[]\n"
