"""The shell function that reports the owner of a file (POSIX sh, as root); see `configs.owner` for the mark."""

from __future__ import annotations

from haconsole.scripts import load_script

OWNER_OF = load_script("lib/owner-of")
MAY_WRITE = load_script("check-may-write")
