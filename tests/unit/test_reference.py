"""The generated reference: every code, action, verb, inventory key and exit status is on its page."""

from __future__ import annotations

import re

from haconsole.actions.catalogue import catalogue
from haconsole.cli.main import VERBS
from haconsole.diagnosis.codes import CODES
from haconsole.errors import ExitCode
from tests.tools.reference import EXIT_STATUS, pages


def test_every_name_has_its_place() -> None:
    result = pages()
    assert [code for code in CODES if f"## {code}\n" not in result["reference/codes.md"]] == []
    assert [each.name for each in catalogue() if f"## {each.name}\n" not in result["reference/actions.md"]] == []
    assert [
        verb for verb in VERBS if verb != "open" and f"haconsole {verb}" not in result["reference/commands.md"]
    ] == []
    assert "`advert_int_s`" in result["reference/inventory.md"]
    assert set(map(int, ExitCode)) <= set(EXIT_STATUS)
    assert '"findings"' in result["reference/json.md"]


def test_every_link_and_every_format_has_its_heading() -> None:
    result = pages()
    headings = {name.lower() for name in re.findall(r"^## (\S+)", result["reference/inventory.md"], re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", result["reference/inventory.md"])) - headings == set()
    formats = set(re.findall(r"haconsole/[a-z-]+/v[0-9]", result["reference/commands.md"]))
    assert {name for name in formats if f"## {name}" not in result["reference/json.md"]} == set()
