"""One shell script that answers many questions about a host, each framed on its own so that one failing hides no other.

The script goes to ``sh -s`` on stdin and needs nothing but a POSIX shell. Every section's answer is written at once:
its output, its exit status and its errors. Lines outside of frames come from `follow`, a command that runs beside the
rounds and pushes what it sees. A section with a `watch` is queried in the first round; then its watch pushes answers.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

import msgspec

from haconsole.scripts import load_script

ARGV = ("sh", "-s")
MARK = "=haconsole="
"""The first word of the lines around an answer."""
_PROLOGUE = f"""\
mark='{MARK}'
tell() {{
  name=$1
  out=$({{ err=$({{ "do_$name" 1>&3; }} 2>&1); rc=$?; printf '\\n%s ! %s\\n%s\\n' "$mark" "$rc" "$err"; }} 3>&1)
  printf '%s < %s\\n%s\\n%s >\\n' "$mark" "$name" "$out" "$mark"
}}
"""
LONGEST_ANSWER = 8 << 20
"""Characters of one section's answer; the longest of a healthy host have some thousands."""
NOTHING_STAYS = 69
"""The status of a watch for which the host has no program."""
_ENVIRONMENT = "export LC_ALL=C TZ=UTC\nPATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin"


class Section(msgspec.Struct, frozen=True):
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
    watch: str = ""
    """Commands that stay and print the section's frames themselves, each with one write.

    They end when they cannot. Then the body is run, which reports the reason, and they are started again.
    """


@dataclass(frozen=True, slots=True)
class SectionAnswer:
    """The output of a section's commands, and the status of the last of them (127: there is no such program).

    The output may hold a password of a configuration: it is never printed.
    """

    section: str
    output: str = field(repr=False)
    errors: str
    status: int


class RoundDone(msgspec.Struct, frozen=True):
    """Every section of a round has answered; also the sign of life of a host that is being followed.

    `unchanged` are the sections whose last answer still holds.
    """

    unchanged: tuple[str, ...] = ()


class PushedLine(msgspec.Struct, frozen=True):
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
    watched = tuple(section for section in sections if section.watch and rounds is None)
    functions += "".join(_watch(section, pause_s) for section in watched)
    asks = "\n".join(_ask(section, watched=section in watched) for section in sections)
    keep = "".join(f'keep_{section.name} 9<&- </dev/null 2>/dev/null &\nbeside="$beside $!"\n' for section in watched)
    begin = f'if [ "$round" -eq 0 ]; then\n{keep}fi\n' if keep else ""
    enough = "" if rounds is None else f'[ "$round" -lt {rounds} ] || break\n'
    pause = f"sleep {pause_s:g}" if rounds is not None else f"wait_for_round {pause_s:g} {round(pause_s * 50)}"
    loop = (
        f'round=0\nwhile :; do\npids=\nsame=\n{asks}\n[ -z "$pids" ] || wait $pids\n'
        'printf "%s .%s\\n" "$mark" "$same"\n'
        f"{begin}round=$((round + 1))\n{enough}{pause}\ndone"
    )
    main = f"main() {{\n{_ENVIRONMENT}\n{_start_beside(follow, watched)}{loop}\n}}\n"
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


def _watch(section: Section, pause_s: float) -> str:
    """Runs `watch` again and again; the body is the only query on a host where nothing can stay (status 69)."""
    name, seldom, soon = section.name, section.every * pause_s, 2 * pause_s
    return (
        f"watch_{name}() {{\n{section.watch}\n}}\n"
        f"keep_{name}() {{\nwhile :; do\nwatch_{name}; ended=$?\ntell {name} || exit\n"
        f'if [ "$ended" -eq {NOTHING_STAYS} ]; then sleep {seldom:g}; else sleep {soon:g}; fi\ndone\n}}\n'
    )


def _ask(section: Section, *, watched: bool) -> str:
    ask = f'tell {section.name} & pids="$pids $!"'
    if watched:
        return f'if [ "$round" -eq 0 ]; then {ask}; fi'
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


def _start_beside(command: str, watched: tuple[Section, ...]) -> str:
    """Runs the command beside the rounds. It and the watches are ended with the script, however that ends."""
    if not command and not watched:
        return ""
    start = f"{command} &\nfollowed=$! beside=$!\n" if command else "beside=\n"
    return f"{start}trap 'kill $beside 2>/dev/null' EXIT\ntrap 'exit 0' HUP INT PIPE TERM\n"


class _Frame(msgspec.Struct):
    """A section's answer that is not complete yet; `room` are the characters that it may still have."""

    section: str
    lines: list[str] = msgspec.field(default_factory=list)
    room: int = LONGEST_ANSWER

    def keep(self, line: str) -> None:
        """A host that never stops talking must not fill the memory here."""
        self.room -= len(line) + 1
        if self.room < 0:
            self.lines.clear()
        else:
            self.lines.append(line)

    def answer(self) -> SectionAnswer | None:
        if self.room < 0:
            return SectionAnswer(self.section, "", f"the answer is longer than {LONGEST_ANSWER} characters", -1)
        at = next((index for index, line in enumerate(self.lines) if line.startswith(f"{MARK} !")), None)
        if at is None:
            return None
        return SectionAnswer(
            section=self.section,
            output="\n".join(self.lines[:at]).rstrip("\n"),
            errors="\n".join(self.lines[at + 1 :]).strip(),
            status=_status(self.lines[at].rpartition(" ")[2]),
        )


_DEPTH = 4


class FrameReader:
    """Puts the script's lines together again; of an answer longer than `LONGEST_ANSWER` nothing is kept but that.

    The frame of a watch may come between the lines of another one, because they are written by different processes.
    """

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        """Frames without their end, the innermost last."""

    @property
    def section(self) -> str:
        """The section of the open frame, empty between frames."""
        return self._frames[-1].section if self._frames else ""

    def take(self, line: str) -> ScriptEvent | None:
        """The frame that this line completes, None while a frame is open."""
        line = line.rstrip("\r\n")
        if not line.startswith(MARK):
            return self._inside(line)
        word, _, rest = line[len(MARK) :].strip().partition(" ")
        match word:
            case "<":
                others = [frame for frame in self._frames if frame.section != rest]
                self._frames = [*others[1 - _DEPTH :], _Frame(rest)]
            case ">":
                return self._frames.pop().answer() if self._frames else None
            case ".":
                self._frames = []  # an end that is missing now will never come
                return RoundDone(tuple(rest.split()))
            case _:
                self._keep(line)
        return None

    def _inside(self, line: str) -> PushedLine | None:
        if not self._frames:
            return PushedLine(line) if line else None
        self._keep(line)
        return None

    def _keep(self, line: str) -> None:
        if self._frames:
            self._frames[-1].keep(line)


def _status(text: str) -> int:
    """A shell's exit status; -1 where the line is damaged."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1


def answers(output: str) -> tuple[SectionAnswer, ...]:
    """All answers in the output of a script that ran its rounds and ended."""
    reader = FrameReader()
    return tuple(event for event in map(reader.take, output.split("\n")) if isinstance(event, SectionAnswer))
