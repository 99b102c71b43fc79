"""A run as a person sees it, on a terminal and in a log."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from haconsole.actions.operations import RunCommand
from haconsole.actions.step import Plan, Step
from haconsole.cli.progress_display import ProgressDisplay, progress_display
from haconsole.cli.reports.progress import clip, live_lines, plain_line
from haconsole.execution.events import Event, Outcome, RunDone, RunId, RunStarted, StepDone, StepStarted
from haconsole.model.names import HostName, StepId
from haconsole.present.running import RunView

RUN, CP1 = RunId("r1"), HostName("cp1")
RIGHT_TO_LEFT = chr(0x202E)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def step_started(step: str, seconds: float = 0.0) -> StepStarted:
    return StepStarted(RUN, at(seconds), StepId(step), CP1, f"Do {step}")


def ended(step: str, outcome: Outcome = Outcome.DONE, error: str | None = None) -> StepDone:
    return StepDone(RUN, at(2), StepId(step), CP1, outcome, 1.25, error)


STARTED = RunStarted(RUN, NOW, "bootstrap", "lab", 4)
OVER = RunDone(RUN, at(3), Outcome.DONE, 3.0, 1, 1, 0)
EVENTS: tuple[Event, ...] = (
    STARTED,
    step_started("a"),
    step_started("b", 1),
    ended("a"),
    ended("b", Outcome.FAILED, "cp1: \x1b[2Jno\nspace"),
    ended("c", Outcome.SKIPPED),
)


class Utf8(io.StringIO):
    """An output that can show every sign."""

    encoding = "utf-8"


class Ascii(io.StringIO):
    encoding = "ascii"


def plan(*names: str) -> Plan:
    steps = (Step(StepId(name), f"Do {name}", "it is due", CP1, RunCommand(("true",))) for name in names)
    return Plan("bootstrap", "lab", tuple(steps))


PLAN = plan("a", "b", "c", "d")


def view_after(*events: Event, of: Plan = PLAN) -> RunView:
    view = RunView(of, NOW)
    for event in events:
        view = view.after(event)
    return view


def test_steps_under_way_have_the_rows_of_the_screen() -> None:
    lines = live_lines(view_after(*EVENTS[:3]), at(2.2), 100)
    assert lines[0] == "bootstrap of lab: ···················· 0/4, 2 running, 2 to come, 2s"
    assert [line.split() for line in lines[1:]] == [
        ["▸", "running", "cp1", "Do", "a", "2s"],
        ["▸", "running", "cp1", "Do", "b", "1s"],
    ]
    assert live_lines(view_after(*EVENTS[:4]), at(2.2), 100)[0] == (
        "bootstrap of lab: █████··············· 1/4, 1 running, 2 to come, 2s"
    )


def test_many_steps_side_by_side_do_not_flood_the_screen() -> None:
    names = [f"s{number}" for number in range(30)]
    lines = live_lines(view_after(STARTED, *map(step_started, names), of=plan(*names)), NOW, 100)
    assert len(lines) == 10
    assert lines[-1] == "  and 22 more"


def test_nothing_is_left_to_redraw_when_it_is_over() -> None:
    assert live_lines(view_after(STARTED, OVER), NOW, 100) == ()
    assert live_lines(view_after(), NOW, 100) == ()


def test_lines_fit_the_terminal() -> None:
    assert all(len(line) <= 30 for line in live_lines(view_after(*EVENTS[:3]), NOW, 30))
    assert clip("words", 5) == "words"
    assert clip("words!", 5) == "word…"


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x07", "\x9b31m", RIGHT_TO_LEFT, "\r\n", "\x00"])
def test_an_error_from_a_host_moves_no_terminal(evil: str) -> None:
    event = ended("a", Outcome.FAILED, f"a{evil}b")
    line = plain_line(view_after(STARTED, step_started("a"), event), event)
    assert line is not None
    assert not [char for char in line if ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char == RIGHT_TO_LEFT]
    assert line.endswith("b")


def display_text(live: bool, colour: bool = False) -> str:
    out = Utf8()
    output = ProgressDisplay(out, PLAN, live=live, colour=colour, now=lambda: at(2))
    for event in EVENTS:
        output.show(event)
    output.tick()
    output.say("stopping after the current step")
    return out.getvalue()


def test_a_log_gets_a_line_for_each_step_that_ended() -> None:
    assert display_text(live=False).splitlines() == [
        "bootstrap of lab: run r1, 4 steps",
        "[1/4] ● done         cp1  Do a  1.2s",
        "[2/4] ✖ failed       cp1  Do b  1.2s: cp1: ^[[2Jno space",
        "stopping after the current step",
    ]


def test_a_terminal_keeps_what_ended_above_what_is_redrawn() -> None:
    screen = Screen()
    screen.write(display_text(live=True))
    assert screen.lines == [
        "● done         cp1  Do a  1.2s",
        "✖ failed       cp1  Do b  1.2s: cp1: ^[[2Jno space",
        "stopping after the current step",
        "bootstrap of lab: ███████████████····· 3/4, 0 running, 1 to come, 2s",
    ]


def test_nothing_is_written_while_nothing_changes() -> None:
    out = Utf8()
    output = ProgressDisplay(out, PLAN, live=True, colour=False, now=lambda: at(2))
    output.show(STARTED)
    before = out.getvalue()
    output.tick()
    assert out.getvalue() == before


def test_an_output_of_ascii_gets_ascii() -> None:
    out = Ascii()
    output = ProgressDisplay(out, PLAN, live=False, colour=False, now=lambda: at(2))
    for event in EVENTS:
        output.show(event)
    assert "* done         cp1  Do a" in out.getvalue()
    assert out.getvalue().isascii()


def test_colour_is_beside_the_words() -> None:
    assert "\x1b[32m● done       \x1b[0m  cp1  Do a" in display_text(live=True, colour=True)
    assert "\x1b[32m" not in display_text(live=True)


class Screen:
    """The two movements that a board uses: up to the beginning of a line, and clear what is below."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        while text:
            if text.startswith("\x1b["):
                word, _, text = text[2:].partition("F") if text[2].isdigit() else ("", "", text[3:])
                self.lines = self.lines[: len(self.lines) - int(word)] if word else self.lines
                continue
            line, _, text = text.partition("\n")
            self.lines.append(line)


class Terminal(Utf8):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "environment", "codes"),
    [
        (Utf8(), {"TERM": "xterm"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {}, False),
        (Terminal(), {"TERM": "xterm"}, True),
    ],
)
def test_only_a_real_terminal_is_redrawn(out: io.StringIO, environment: dict[str, str], codes: bool) -> None:
    progress_display(out, PLAN, lambda: NOW, environment).show(STARTED)
    assert ("\x1b" in out.getvalue()) is codes


def test_no_color_is_respected() -> None:
    out = Terminal()
    output = progress_display(out, PLAN, lambda: NOW, {"TERM": "xterm", "NO_COLOR": "1"})
    for event in EVENTS:
        output.show(event)
    assert "\x1b[32m" not in out.getvalue()
