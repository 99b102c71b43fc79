"""Every command and inventory in the README and the documentation is one that the program accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from haconsole.cli.main import root
from haconsole.errors import UsageError
from haconsole.inventory.load import examine

HERE = Path(__file__).parents[3]
PAGES = sorted((HERE / "README.md", HERE / "SECURITY.md", *(HERE / "docs").rglob("*.md")))
COMMAND = re.compile(r"(?:^    |`)(?:\.venv/bin/)?haconsole ([^`\n]+)", re.MULTILINE)
INVENTORY = re.compile(r"^```yaml\n(cluster: .+?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {"ACTION": "bootstrap", "CODE": "etcd.quorum-lost"}
WITHOUT_ARGUMENTS = {("status",), ("run",), ("lab",)}
"""Commands that a sentence names without their arguments."""


def commands(page: Path) -> Iterator[tuple[str, ...]]:
    for line in COMMAND.findall(page.read_text()):
        words = shlex.split(re.split(r"\s+(?:#|>)|>|\s&&|\|", line)[0])
        yield tuple(PLACEHOLDERS.get(word, word) for word in words)


def parse(command: click.Command, words: list[str], name: str, parent: click.Context | None = None) -> None:
    """Parse a command line as the program does; nothing is run."""
    context = command.make_context(name, words, parent=parent)
    rest = [*context._protected_args, *context.args]
    if isinstance(command, click.Group) and rest:
        name_of_child, child, arguments = command.resolve_command(context, rest)
        assert child is not None
        parse(child, arguments, str(name_of_child), context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_command_is_accepted(page: Path) -> None:
    problems = []
    for words in commands(page):
        try:
            parse(root, list(words), "haconsole")
        except click.exceptions.Exit:
            continue  # such as --help
        except (click.ClickException, UsageError) as error:
            if words not in WITHOUT_ARGUMENTS:
                problems.append(f"haconsole {shlex.join(words)}: {error}")
    assert problems == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_complete_inventory_is_valid(page: Path) -> None:
    for text in INVENTORY.findall(page.read_text()):
        complete = text.replace("0f1e…", "ab" * 32)
        assert [str(problem) for problem in examine(complete, page.name, HERE).errors] == []
