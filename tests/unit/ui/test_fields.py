"""On the screen an option of the command line is told as the field of a form."""

from __future__ import annotations

import re

import pytest

from haconsole.actions.catalogue import catalogue
from haconsole.actions.step import Refusal
from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.ui.present.about.others import about_finding
from haconsole.ui.present.cells import text_of
from haconsole.ui.present.detail import detail_lines
from haconsole.ui.present.fields import in_fields
from haconsole.ui.present.form import form_for, form_lines, verdict_lines
from haconsole.ui.present.offers import offered
from haconsole.ui.present.plan import about_refusal
from tests.fakes.cluster import NAMES

OWN = "|".join(argument.name for action in catalogue() for argument in action.arguments)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("With --ca the CAs are replaced as well", "With ca = yes the CAs are replaced as well"),
        ("--member-id takes a member out", "“member-id” takes a member out"),
        ("run rotate-certs --ca --phase trust", "run rotate-certs with ca = yes, phase = trust"),
        ("run rotate-certs --host alpha", "run rotate-certs with host = alpha"),
        ("run bootstrap --only haproxy: it checks", "run bootstrap with only = haproxy: it checks"),
        ("take it out (run remove --member-id ID)", "take it out (run remove with member-id = ID)"),
        ("run remove --member-id with the ID of it", "run remove, “member-id” with the ID of it"),
        ("go on with --ca, or back with --ca --back", "go on with ca = yes, or back with ca = yes, back = yes"),
        ("switch it off and say --gone cp2,cp3", "switch it off and say gone = cp2,cp3"),
        ("the parts by themselves (--only)", "the parts by themselves (“only”)"),
        ("kubectl drain cp1 --ignore-daemonsets", "kubectl drain cp1 --ignore-daemonsets"),
    ],
)
def test_an_option_becomes_a_field_with_its_value(said: str, told: str) -> None:
    assert in_fields(said) == told


@pytest.mark.parametrize("action", catalogue(), ids=lambda action: action.name)
def test_no_form_names_an_option(action: object) -> None:
    form = form_for(action, NAMES, {})  # type: ignore[arg-type]
    text = "\n".join(text_of(line) for line in (*(line for line, _ in form_lines(form, 80)), *verdict_lines(form, 80)))
    assert re.findall(rf"--({OWN})\b", text) == []


def test_the_menu_names_no_option() -> None:
    assert [each.name for each in offered(catalogue(), None, None, ()) if "--" in each.help] == []


def test_a_refusal_and_a_finding_name_fields() -> None:
    refused = about_refusal(Refusal("restore", "lab", ("switch it off for good and say --gone cp2",)))
    assert "say gone = cp2" in "\n".join(text_of(line) for line in detail_lines(refused, 80))
    fix = ActionCall("rotate-certs", (("host", "cp1"),), "reissue its certificates")
    found = Finding("cert.expired", Severity.CRITICAL, "cp1", "it is", "of time", (), (fix,))
    lines = [text_of(line) for line in detail_lines(about_finding(found), 80)]
    assert "1. Rotate certificates (host = cp1): reissue its certificates" in lines
