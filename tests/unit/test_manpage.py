"""The manual page is written from the commands' help, and is current."""

from __future__ import annotations

import subprocess

from tests.tools.manpage import PAGE, page


def test_the_page_in_the_package_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.tools.manpage"


def test_the_page_is_correct_roff() -> None:
    done = subprocess.run(
        ("groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
