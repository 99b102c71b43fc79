"""The command line's help, and options of the console before the inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from haconsole.actions.catalogue import catalogue
from haconsole.cli.main import VERBS, root


@pytest.mark.parametrize("verb", ["run", "plan"])
@pytest.mark.parametrize("action", catalogue(), ids=lambda action: action.name)
def test_help_of_an_action_names_and_describes_its_arguments(verb: str, action: object) -> None:
    name, arguments = action.name, action.arguments  # type: ignore[attr-defined]
    output = CliRunner().invoke(root, [verb, name, "--help"]).output
    flat = " ".join(output.split())
    assert "OF_ACTION" not in output
    for argument in arguments:
        assert (argument.name.upper() if argument.positional else f"--{argument.name}") in output
        assert argument.help[1:] in flat


def test_help_lists_the_options_of_the_console() -> None:
    output = CliRunner().invoke(root, ["--help"]).output
    assert all(option in output for option in ("--ascii", "--theme", "--read-only"))


@pytest.mark.parametrize("options", [["--ascii"], ["--theme", "dark"], ["--theme=dark", "--read-only"]])
@pytest.mark.parametrize("before", [True, False])
def test_options_of_the_console_come_before_or_after_the_inventory(
    options: list[str], before: bool, tmp_path: Path
) -> None:
    inventory = str(tmp_path / "lab.yaml")
    result = CliRunner().invoke(root, [*options, inventory] if before else [inventory, *options])
    assert "No such" not in result.output
    assert "needs a terminal" in str(result.exception)


def test_every_verb_is_listed_with_a_complete_sentence() -> None:
    output = CliRunner().invoke(root, ["--help"], terminal_width=80).output
    lines = output[output.index("Commands:") :].splitlines()[1:]
    assert [line.split()[0] for line in lines] == [verb for verb in VERBS if verb != "open"]
    assert [line for line in lines if not line.endswith(".") or line.endswith("...") or len(line) > 80] == []


@pytest.mark.parametrize("group", ["lab", "import", "run", "plan"])
def test_the_verbs_of_a_group_are_listed_with_complete_sentences(group: str) -> None:
    lines = CliRunner().invoke(root, [group, "--help"]).output.partition("\nCommands:\n")[2].splitlines()
    assert lines
    assert [line for line in lines if line.endswith("...")] == []
