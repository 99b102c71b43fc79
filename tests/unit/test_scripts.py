"""The scripts that run on hosts: how they are put together, and what the lint finds in them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from haconsole.scripts import FOLDER, load_script
from tests.lint.scripts import Script, problems, scripts

needs_shellcheck = pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")


@needs_shellcheck
def test_the_lint_finds_errors_of_each_kind() -> None:
    well = Script("sample", 'printf "%s\\n" "$1"\n', False, {})
    assert problems(well) == ()
    assert any("SC2086" in line for line in problems(replace(well, text="rm $1\n")))
    assert any("dash" in line for line in problems(replace(well, text="f() { echo <(true); }\n")))
    assert problems(replace(well, text="rm $1\n", disables={"SC2086": "one word"})) == ()
    assert problems(replace(well, disables={"SC2086": ""})) == ("sample: SC2086 is disabled without a reason",)


def test_every_script_begins_with_its_purpose_and_usage() -> None:
    for path in sorted(FOLDER.rglob("*.sh")):
        shebang, purpose = path.read_text().splitlines()[:2]
        assert shebang in ("#!/bin/sh", "#!/bin/bash"), path.name
        assert purpose.startswith("# "), path.name
        assert path.parent != FOLDER or f"# usage: {path.stem}" in path.read_text(), path.name


def test_a_script_is_sent_complete_and_without_the_comments_of_its_head() -> None:
    texts = {script.name: script.text for script in scripts()}
    assert len(texts) > 50
    for name, text in texts.items():
        assert "# uses" not in text, name
        assert "# usage" not in text, name
    assert "drop()" in texts["vip-pause"]
    assert texts["vip-pause"].index("port=$1") < texts["vip-pause"].index("drop()")


def test_an_unknown_script_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        load_script("no-such-script")


def test_every_script_has_a_user() -> None:
    code = "".join(path.read_text() for path in sorted(Path(FOLDER).parent.rglob("*.py")))
    texts = "".join(path.read_text() for path in FOLDER.rglob("*.sh"))
    for path in FOLDER.rglob("*.sh"):
        name = str(path.relative_to(FOLDER))[:-3]
        loaded = any(f"load_script({quote}{name}{quote})" in code for quote in "\"'")
        assert loaded or f"# uses {name}\n" in texts, name
