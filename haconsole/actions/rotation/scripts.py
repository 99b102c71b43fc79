"""Shell scripts that rotations look and act with; what each takes as words is said with it."""

from __future__ import annotations

from haconsole.scripts import load_script

NAME_FILES = load_script("kubeconfig-use-files")
NAMES_FILES = load_script("kubeconfig-uses-files")
SERVING = load_script("check-served")
TAKE_UP = load_script("wait-served")
