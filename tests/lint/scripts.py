"""Checks the shell scripts that run on hosts: shellcheck over each complete text, syntax under dash and busybox ash.

Prints every check that a script disables, with the reason given there. Ends with 1 if anything is wrong.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from haconsole.scripts import FOLDER, load_script

DISABLE = re.compile(r"# shellcheck disable=(?P<codes>SC\d+(,SC\d+)*)( *# (?P<reason>.+))?")
POSIX_SHELLS = (("dash",), ("busybox", "ash"))


@dataclass(frozen=True, slots=True)
class Script:
    """A script as it is sent; `disables` maps codes of shellcheck to the reason for ignoring them."""

    name: str
    text: str
    bash: bool
    disables: dict[str, str]


def scripts() -> Iterator[Script]:
    """All but the library files, which are checked as part of those that use them."""
    for path in sorted(FOLDER.glob("*.sh")):
        lines = path.read_text().splitlines()
        disables = {m["codes"]: m["reason"] or "" for line in lines if (m := DISABLE.fullmatch(line))}
        yield Script(path.stem, load_script(path.stem) + "\n", lines[0] == "#!/bin/bash", disables)


def problems(script: Script) -> tuple[str, ...]:
    """What is wrong with the script, one line each; empty if nothing is."""
    results = [
        f"{script.name}: {codes} is disabled without a reason" for codes, why in script.disables.items() if not why
    ]
    results += (f"{script.name}:{line.removeprefix('-:')}" for line in _shellcheck(script))
    for shell in (("bash",),) if script.bash else POSIX_SHELLS:
        syntax = subprocess.run((*shell, "-n"), input=script.text, capture_output=True, text=True, check=False)
        if syntax.returncode:
            results.append(f"{script.name}: {' '.join(shell)}: {syntax.stderr.strip()}")
    return tuple(results)


def _shellcheck(script: Script) -> tuple[str, ...]:
    excluded = ",".join(script.disables)
    argv = (
        "shellcheck",
        "-s",
        "bash" if script.bash else "sh",
        "-f",
        "gcc",
        *(("-e", excluded) if excluded else ()),
        "-",
    )
    result = subprocess.run(argv, input=script.text, capture_output=True, text=True, check=False)
    if result.returncode > 1:
        return (f"0: shellcheck failed: {result.stderr.strip()}",)
    return tuple(result.stdout.splitlines())


def main() -> int:
    """Check every script; 0 if all is well."""
    missing = [program for program in ("shellcheck", "dash", "busybox") if shutil.which(program) is None]
    if missing:
        print(f"missing: {', '.join(missing)}; install them with: make programs", file=sys.stderr)
        return 1
    every = tuple(scripts())
    for script in every:
        for codes, reason in script.disables.items():
            print(f"{script.name}: {codes} disabled: {reason}")
    wrong = [line for script in every for line in problems(script)]
    print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{len(every)} scripts, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
