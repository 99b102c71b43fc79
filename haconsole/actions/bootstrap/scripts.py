"""Shell scripts of the preflight checks: POSIX sh, exit 0 without output if all is well, otherwise the problem on
stderr.
"""

from __future__ import annotations

from haconsole.scripts import load_script

PROGRAM = load_script("check-program")
PORTS = load_script("check-ports")
CONFINED = load_script("check-selinux-boolean")
DISK = load_script("check-disk-space")
REACH = load_script("check-reachable")
FOREIGN_DATA = load_script("check-data-owner")
DATA_THERE = r"""[ -d "$1" ]"""
FOREIGN_FILES = load_script("check-file-owners")
FOREIGN_SERVICE = load_script("check-service-owner")
COMPONENT_HEALTHY = load_script("check-component-healthy")
