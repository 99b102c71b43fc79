"""An importer run as a person runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory


class Importer:
    """Runs the importer on files in a folder of its own; keeps what it printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder, self._capsys = folder, capsys
        self.status = 0
        self.text = self.errors = ""

    def __call__(self, text: str, tool: str = "kubespray", file: str = "inventory.ini", **files: str) -> Inventory:
        self.print(text, tool, file, **files)
        assert self.status == ExitCode.OK, self.errors
        result = parse(self.text, "f", Path("/"))
        assert isinstance(result, Inventory)
        return result

    def print(self, text: str, tool: str = "kubespray", file: str = "inventory.ini", **files: str) -> str:
        for name, content in {file: text, **files}.items():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        self.status = run(["import", tool, file])
        captured = self._capsys.readouterr()
        self.text, self.errors = captured.out, captured.err
        return self.text + self.errors


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Importer:
    monkeypatch.chdir(tmp_path)
    return Importer(tmp_path, capsys)
