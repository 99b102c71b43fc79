"""Every code has a page, and the reference in docs is made from them."""

from __future__ import annotations

from click.testing import CliRunner

from haconsole.cli.status import doctor
from haconsole.diagnosis.codes import CODES
from haconsole.diagnosis.page_text import page_text, reference
from haconsole.diagnosis.pages import PAGES
from haconsole.errors import UsageError


def test_every_code_has_a_page_with_all_four_parts() -> None:
    assert set(PAGES) == set(CODES)
    for code, page in PAGES.items():
        text = page_text(code)
        assert all(part in text for part in (code, CODES[code].signal, page.why, page.check, CODES[code].fix))
        assert page.why
        assert page.check


def test_the_reference_has_every_code() -> None:
    assert [code for code in CODES if f"## {code}\n" not in reference()] == []


def test_doctor_explains_a_code_without_an_inventory() -> None:
    result = CliRunner().invoke(doctor, ["--explain", "etcd.nospace"])
    assert result.exit_code == 0
    assert result.output == page_text("etcd.nospace") + "\n"


def test_an_unknown_code_is_refused_with_those_that_are_close() -> None:
    result = CliRunner().invoke(doctor, ["--explain", "nospace"])
    assert isinstance(result.exception, UsageError)
    assert result.exception.hint == "choose one of: etcd.nospace"
