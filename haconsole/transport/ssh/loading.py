"""Loads asyncssh without its slow parts.

It looks for optional libraries with ctypes (Nettle for UMAC, liboqs for post-quantum exchanges), and ctypes on Linux
starts ldconfig, a compiler and a linker for each absent one: up to 0.2 s at every start. Here the folders of the
dynamic linker are searched instead.
"""

from __future__ import annotations

import ctypes.util
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDERS = ("/usr/local/lib", "/usr/lib64", "/usr/lib", "/lib64", "/lib")


def find_library(name: str) -> str | None:
    """The file name of a shared library as the dynamic linker takes it, such as ``libnettle.so.8``, or None."""
    machine = sysconfig.get_config_var("MULTIARCH") or ""
    for folder in (Path(base, machine) for base in _FOLDERS):
        if libraries := sorted(folder.glob(f"lib{name}.so*")):
            return libraries[-1].name
    return None


@contextmanager
def quick() -> Iterator[None]:
    """Within it, loading code finds shared libraries without starting programs; unchanged on other systems."""
    usual = ctypes.util.find_library
    if sys.platform == "linux":
        ctypes.util.find_library = find_library
    try:
        yield
    finally:
        ctypes.util.find_library = usual
