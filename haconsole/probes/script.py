"""One shell script that answers many questions about a host, each framed on its own so that one failing hides no other.

The script goes to ``sh -s`` on stdin and needs nothing but a POSIX shell. Every section's answer is written at once:
its output, its exit status and its errors. Lines outside of frames come from `follow`, a command that runs beside the
rounds and pushes what it sees.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from haconsole.scripts import load_script

ARGV = ("sh", "-s")
_MARK = "=haconsole="
_PROLOGUE = f"""\
mark='{_MARK}'
tell() {{
  name=$1
  out=$({{ err=$({{ "do_$name" 1>&3; }} 2>&1); rc=$?; printf '\\n%s ! %s\\n%s\\n' "$mark" "$rc" "$err"; }} 3>&1)
  printf '%s < %s\\n%s\\n%s >\\n' "$mark" "$name" "$out" "$mark"
}}
"""
LONGEST_ANSWER = 8 << 20
"""Characters of one section's answer; the longest of a healthy host have some thousands."""
_ENVIRONMENT = "export LC_ALL=C TZ=UTC\nPATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Section:
    """A query: a name made of letters and underscores, shell commands, and its interval in rounds.

    Commands that could hang are run with ``timeout``. `unchanged` are commands that succeed in rounds between two
    answers while the last answer still holds. They run in the script's own shell: builtins cost a host least.
    """

    name: str
    body: str
    every: int = 1
    unchanged: str = ""
    check_every: int = 1
    """Rounds between two runs of `unchanged`, more than one where it starts a process."""


@dataclass(frozen=True, slots=True)
class SectionAnswer:
    """The output of a section's commands, and the status of the last of them (127: there is no such program).

    The output may hold a password of a configuration: it is never printed.
    """

    section: str
    output: str = field(repr=False)
    errors: str
    status: int


@dataclass(frozen=True, slots=True)
class RoundDone:
    """Every section of a round has answered; also the sign of life of a host that is being followed.

    `unchanged` are the sections whose last answer still holds.
    """

    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PushedLine:
    """A line that `follow` wrote."""

    text: str


ScriptEvent = SectionAnswer | RoundDone | PushedLine


def with_arguments(script: str, *words: str) -> str:
    """A section's body: a script that finds these words as its arguments."""
    return f"set -- {shlex.join(words)}\n{script}"


def render(sections: tuple[Section, ...], *, rounds: int | None = 1, pause_s: float = 1.0, follow: str = "") -> bytes:
    """The script that runs `sections` in parallel, `rounds` times with `pause_s` between (None: until closed)."""
    functions = "".join(f"do_{section.name}() {{\n{section.body}\n}}\n" for section in sections)
    functions += "".join(
        f"same_{section.name}() {{\n{section.unchanged}\n}}\n" for section in sections if section.unchanged
    )
    asks = "\n".join(_ask(section) for section in sections)
    enough = "" if rounds is None else f'[ "$round" -lt {rounds} ] || break\n'
    pause = f"sleep {pause_s:g}" if rounds is not None else f"wait_for_round {pause_s:g} {round(pause_s * 50)}"
    loop = (
        f'round=0\nwhile :; do\npids=\nsame=\n{asks}\n[ -z "$pids" ] || wait $pids\n'
        'printf "%s .%s\\n" "$mark" "$same"\n'
        f"round=$((round + 1))\n{enough}{pause}\ndone"
    )
    main = f"main() {{\n{_ENVIRONMENT}\n{_follow_command(follow)}{loop}\n}}\n"
    if rounds is not None:
        return f"{_PROLOGUE}{functions}{main}main </dev/null\nexit 0\n".encode()
    wait = f"wait_for_round() {{\n{load_script('wait-for-round')}\n}}\n"
    return f"{_PROLOGUE}{functions}{wait}{main}{_paced(pause_s)}exit 0\n".encode()


def _paced(pause_s: float) -> str:
    """Runs `main` with ticks on descriptor 9 where the host has bash, which can wait without a process."""
    ticker = shlex.join(("bash", "-c", load_script("ticker"), "ticker", f"{pause_s:g}"))
    return (
        "if command -v bash >/dev/null && [ -r /proc/uptime ]; then\n"
        f"{ticker} </dev/null 2>/dev/null | {{ exec 9<&0 </dev/null; ticks=yes; main; }}\n"
        "else ticks=; main </dev/null; fi\n"
    )


def _ask(section: Section) -> str:
    ask = f'tell {section.name} & pids="$pids $!"'
    if section.every == 1:
        return ask
    due = f"[ $((round % {section.every})) -eq 0 ]"
    if not section.unchanged:
        return f"if {due}; then {ask}; fi"
    check = (
        f"same_{section.name} && kept=yes || kept=\n"
        f'if {due} || [ -z "$kept" ]; then {ask}; else same="$same {section.name}"; fi'
    )
    return check if section.check_every == 1 else f"if [ $((round % {section.check_every})) -eq 0 ]; then\n{check}\nfi"


def _follow_command(command: str) -> str:
    """Run beside the rounds, ended with the script however that ends."""
    if not command:
        return ""
    return f"{command} &\nfollowed=$!\ntrap 'kill $followed 2>/dev/null' EXIT\ntrap 'exit 0' HUP INT PIPE TERM\n"


class FrameReader:
    """Puts the script's lines together again; of an answer longer than `LONGEST_ANSWER` nothing is kept but that."""

    def __init__(self) -> None:
        self._section: str | None = None
        self._lines: list[str] = []
        self._room = LONGEST_ANSWER

    def take(self, line: str) -> ScriptEvent | None:
        """The frame that this line completes, None while a frame is open."""
        line = line.rstrip("\r\n")
        if not line.startswith(_MARK):
            return self._inside(line)
        word, _, rest = line[len(_MARK) :].strip().partition(" ")
        match word:
            case "<":
                self._section, self._lines, self._room = rest, [], LONGEST_ANSWER
            case ">":
                return self._complete()
            case ".":
                return RoundDone(tuple(rest.split()))
            case _:
                self._keep(line)
        return None

    def _inside(self, line: str) -> PushedLine | None:
        if self._section is None:
            return PushedLine(line) if line else None
        self._keep(line)
        return None

    def _keep(self, line: str) -> None:
        """A host that never stops talking must not fill the memory here."""
        self._room -= len(line) + 1
        if self._room < 0:
            self._lines.clear()
        else:
            self._lines.append(line)

    def _complete(self) -> SectionAnswer | None:
        section, lines = self._section, self._lines
        self._section, self._lines = None, []
        if section is not None and self._room < 0:
            return SectionAnswer(section, "", f"the answer is longer than {LONGEST_ANSWER} characters", -1)
        at = next((index for index, line in enumerate(lines) if line.startswith(f"{_MARK} !")), None)
        if section is None or at is None:
            return None
        return SectionAnswer(
            section=section,
            output="\n".join(lines[:at]).rstrip("\n"),
            errors="\n".join(lines[at + 1 :]).strip(),
            status=_status(lines[at].rpartition(" ")[2]),
        )


def _status(text: str) -> int:
    """A shell's exit status; -1 where the line is damaged."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1


def answers(output: str) -> tuple[SectionAnswer, ...]:
    """All answers in the output of a script that ran its rounds and ended."""
    reader = FrameReader()
    return tuple(event for event in map(reader.take, output.split("\n")) if isinstance(event, SectionAnswer))
