"""Progress on standard error."""

from __future__ import annotations

import io

from haconsole.cli.lab_progress import LiveLine, PlainLines, line, progress_on


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_live_line_and_a_file_plain_ones() -> None:
    assert isinstance(progress_on(Terminal()), LiveLine)
    assert isinstance(progress_on(io.StringIO()), PlainLines)


def test_the_line_shows_the_progress_and_the_time() -> None:
    assert line("building", 62, 0.5, 80) == "[############------------]  50 %  building  1:02"
    assert line("booting 3 hosts", 3, None, 80) == "booting 3 hosts … 0:03"
    assert len(line("building", 62, 0.5, 20)) == 20


def test_plain_lines_show_each_stage_once_with_its_time() -> None:
    out, now = io.StringIO(), iter((0.0, 0.0, 2.5, 2.5, 4.0))
    output = PlainLines(out, lambda: next(now))
    output.stage("one")
    output.advance(0.5)
    output.stage("two")
    output.finish()
    output.finish()
    assert out.getvalue().splitlines() == ["one", "one: 2.5 s", "two", "two: 1.5 s"]


def test_the_live_line_is_ended_by_the_next_stage_and_at_the_end() -> None:
    out = Terminal()
    output = LiveLine(out, lambda: 0.0)
    output.stage("one")
    output.stage("two")
    output.finish()
    assert out.getvalue().endswith("\r\x1b[Ktwo: 0.0 s\n")
    assert out.getvalue().count("\n") == 2
