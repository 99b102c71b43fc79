"""The check that this console may write a file (POSIX sh, as root); see `configs.owner` for the mark."""

from __future__ import annotations

from haconsole.scripts import load_script

MAY_WRITE = load_script("check-may-write")
