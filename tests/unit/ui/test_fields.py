"""Texts of actions name the fields of a form, never options of the command line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import haconsole
from haconsole.actions.catalogue import catalogue
from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.present.cells import text_of
from haconsole.present.detail import detail_lines
from haconsole.present.details.others import about_finding
from haconsole.present.form import form_for, form_lines, verdict_lines
from haconsole.present.offers import offered
from tests.fakes.cluster import NAMES

OWN = "|".join(argument.name for action in catalogue() for argument in action.arguments)
SENTENCE = re.compile(rf"(?<![\w-])--(?:{OWN})\b(?![=-])")
"""An option of an action in a text; ``--name=value`` is another program's."""


@pytest.mark.parametrize("action", catalogue(), ids=lambda action: action.name)
def test_no_form_names_an_option(action: object) -> None:
    form = form_for(action, NAMES, {})  # type: ignore[arg-type]
    text = "\n".join(text_of(line) for line in (*(line for line, _ in form_lines(form, 80)), *verdict_lines(form, 80)))
    assert re.findall(rf"--({OWN})\b", text) == []


def test_the_menu_names_no_option() -> None:
    assert [each.name for each in offered(catalogue(), None, None, ()) if "--" in each.help] == []


def test_no_text_of_an_action_names_an_option() -> None:
    """Reasons, hints and undo lines are shown in forms and on the command line alike: they name fields."""
    for layer in ("actions", "execution"):
        for path in sorted((Path(haconsole.__file__).parent / layer).rglob("*.py")):
            tree = ast.parse(path.read_text())
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                    result = SENTENCE.findall(node.value) if "\n" not in node.value else []  # a script has lines
                    assert result == [], f"{path.name}:{node.lineno}"


def test_a_finding_names_fields() -> None:
    fix = ActionCall("rotate-certs", (("host", "cp1"),), "reissue its certificates")
    result = Finding("cert.expired", Severity.CRITICAL, "cp1", "it is", "of time", (), (fix,))
    lines = [text_of(line) for line in detail_lines(about_finding(result), 80)]
    assert "1. Rotate certificates (host = cp1): reissue its certificates" in lines
