"""Shell scripts of rotations; each documents its arguments."""

from __future__ import annotations

from haconsole.scripts import load_script

NAME_FILES = load_script("kubeconfig-use-files")
NAMES_FILES = load_script("kubeconfig-uses-files")
SERVING = load_script("check-served")
TAKE_UP = load_script("wait-served")
