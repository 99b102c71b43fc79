"""Side effects of loading the SSH library."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys

import pytest

from haconsole.transport.ssh.loading import find_library


@pytest.mark.skipif(sys.platform != "linux", reason="ctypes starts programs only on Linux")
def test_loading_starts_no_program() -> None:
    watched = (
        "import sys; started = []\n"
        "sys.addaudithook(lambda event, what: started.append(what) if event == 'subprocess.Popen' else None)\n"
        "import haconsole.transport.ssh\n"
        "print(started)"
    )
    result = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_a_library_is_found_as_ctypes_finds_it() -> None:
    assert find_library("c") == ctypes.util.find_library("c")
    assert find_library("nothing-of-this-name") is None
