"""Shell scripts that replace CAs and token keys on a host; each documents its arguments."""

from __future__ import annotations

from haconsole.scripts import load_script

HOLDS = load_script("ca-check-added")
GONE = load_script("ca-check-removed")
JOIN = load_script("ca-add")
SWITCHED = load_script("ca-key-is")
SWITCH = load_script("ca-switch-key")
DROPPED = load_script("ca-check-dropped")
DROP = load_script("ca-drop")
BACK = load_script("ca-roll-back")
RESTORED = load_script("ca-check-key-restored")
RESTORE = load_script("ca-restore-key")
VERIFIES = load_script("ca-check-leaves")
ALONE = load_script("ca-check-single")
STRIP = load_script("ca-strip-chain")
