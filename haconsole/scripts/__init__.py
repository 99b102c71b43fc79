"""Shell scripts that run on hosts, one file each: POSIX sh unless the first line names bash.

Each begins with comments: what it does, its arguments in order, what it prints and when it fails. A line
``# uses NAME`` is replaced by the text of ``NAME.sh``; files under ``lib`` are only used that way.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
TAKE_IN = 'script=$(head -c "$1"); shift; eval "$script"'
"""Of ``sh -c``: runs the script in the first ``$1`` bytes of standard input, whose rest is the script's own input."""
_USES = re.compile(r"# uses (?P<name>[a-z/-]+)")


@cache
def load_script(name: str) -> str:
    """The complete text of ``NAME.sh`` as it is sent to hosts: without comments at its head, with what it uses.

    Raises FileNotFoundError for a name that no file has.
    """
    lines = (FOLDER / f"{name}.sh").read_text().splitlines()
    head = next((number for number, line in enumerate(lines) if not _is_comment(line)), len(lines))
    return "\n".join(_expanded(line) for line in lines[head:] if not line.startswith("# shellcheck "))


def script_name(text: str) -> str:
    """The name of the script with this complete text, empty for a text that no file here has."""
    return _names().get(text.strip(), "")


def script_text(name: str) -> str:
    """The complete text of the script of that name, empty if no file here has it."""
    return next((text for text, each in _names().items() if each == name), "") if name else ""


@cache
def _names() -> dict[str, str]:
    return {load_script(path.stem).strip(): path.stem for path in FOLDER.glob("*.sh")}


def _is_comment(line: str) -> bool:
    return line.startswith("#") and _USES.fullmatch(line) is None


def _expanded(line: str) -> str:
    match = _USES.fullmatch(line)
    return load_script(match["name"]) if match else line
