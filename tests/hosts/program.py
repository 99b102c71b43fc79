"""The program as its users start it: another process, with a state folder of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from haconsole.lab.lab import Lab

LONGEST_S = 1200


class Running(Protocol):
    """A process of the program's."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


class Program:
    """`haconsole` on a lab's inventory, or on another one of its hosts; `state` is its XDG_STATE_HOME."""

    def __init__(
        self, lab: Lab, state: Path, inventory: Path | None = None, more: Mapping[str, str] | None = None
    ) -> None:
        self.lab = lab
        self.state = state
        self._inventory = inventory
        self._more = more or {}

    @property
    def inventory(self) -> Path:
        return self._inventory or self.lab.inventory_path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.state), **self._more}

    def command(self, verb: str, action: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "haconsole", verb, action, str(self.inventory), *words]

    def __call__(
        self, verb: str, action: str, *words: str, deadline_s: float = LONGEST_S
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(verb, action, *words), env=self.environment, capture_output=True, text=True, timeout=deadline_s
        )

    def start(self, verb: str, action: str, *words: str) -> Running:
        """Begin, without the output."""
        null = subprocess.DEVNULL
        command = self.command(verb, action, *words)
        return subprocess.Popen(command, env=self.environment, stdin=null, stdout=null, stderr=null)

    def verb(self, *words: str, deadline_s: float = LONGEST_S) -> subprocess.CompletedProcess[str]:
        """Run a verb that takes no inventory."""
        argv = [sys.executable, "-m", "haconsole", *words]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=deadline_s)

    def events(self, action: str, *words: str) -> list[dict[str, Any]]:
        """Run the action to its end, which must be a good one; its events."""
        result = self("run", action, "--yes", "--json", *words)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        return [json.loads(line) for line in result.stdout.splitlines()]

    def undo(self, events: list[dict[str, Any]]) -> None:
        """Undo the run of these events, which must end well."""
        result = self.verb("undo", str(events[0]["run"]), "--yes", "--json")
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr

    def journals(self) -> str:
        """Everything that runs have left in the state folder."""
        return "\n".join(path.read_text() for path in sorted(self.state.rglob("*")) if path.is_file())


def lacking(text: str, *words: str) -> list[str]:
    """The words that a message does not have: names, commands and numbers, which stay when it is reworded."""
    return [word for word in words if word not in text]


def outcomes(events: list[dict[str, Any]]) -> dict[str, str]:
    """The outcome of each step."""
    return {event["step"]: event["outcome"] for event in events if event["event"] == "step-done"}
