"""The manual page is written from the commands' help, and is current."""

from __future__ import annotations

import subprocess
import sys

from tests.tools.manpage import PAGE


def test_the_page_in_the_package_is_current() -> None:
    """In its own process: click keeps the help option of a command that another test calls directly."""
    write = "import sys; from tests.tools.manpage import page; sys.stdout.write(page())"
    result = subprocess.run((sys.executable, "-c", write), capture_output=True, text=True, timeout=60, check=True)
    assert PAGE.read_text() == result.stdout, "run: python -m tests.tools.manpage"


def test_the_page_is_correct_roff() -> None:
    result = subprocess.run(
        ("groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)), capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stderr == ""
