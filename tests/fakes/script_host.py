"""A host for scripts: a folder with its files, and programs that note their calls."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from haconsole.scripts import load_script


class Place:
    """A folder for the files of a host; its programs append their calls to a list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        (folder / "bin").mkdir()

    def file(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def program(self, name: str, body: str = "") -> None:
        path = self.file(f"bin/{name}", f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{body}\n')
        path.chmod(0o755)

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        places = {"HACONSOLE_ETC": "etc", "HACONSOLE_PROC": "proc", "HACONSOLE_ROOT": ""}
        environment = {key: str(self.folder / path) for key, path in places.items()}
        environment["PATH"] = f"{self.folder}/bin:{os.environ['PATH']}"
        argv = ("sh", "-ec", load_script(name), name, *words)
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=20, check=False)

    def output_of(self, name: str, *words: str) -> str:
        result = self.run(name, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def calls(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines
