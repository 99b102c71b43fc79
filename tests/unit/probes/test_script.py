"""The framed script, run by this machine's own shell."""

from __future__ import annotations

import itertools
import os
import select
import shutil
import subprocess
import time
import tracemalloc
from pathlib import Path

import pytest

from haconsole.probes import script
from haconsole.probes.script import (
    ARGV,
    LONGEST_ANSWER,
    FrameReader,
    PushedLine,
    RoundDone,
    ScriptEvent,
    Section,
    SectionAnswer,
    render,
)


def run(script: bytes) -> list[ScriptEvent]:
    result = subprocess.run(ARGV, input=script, capture_output=True, timeout=20)
    assert result.stderr == b""
    reader = FrameReader()
    return [events for events in map(reader.take, result.stdout.decode().splitlines()) if events]


def answers(script: bytes) -> dict[str, SectionAnswer]:
    return {events.section: events for events in run(script) if isinstance(events, SectionAnswer)}


def test_sections_fail_each_on_its_own() -> None:
    output = answers(
        render(
            (
                Section("good", "echo one; echo; echo three"),
                Section("bad", "echo partly; echo why >&2; return 7"),
                Section("missing", "no-such-program-anywhere"),
                Section("silent", "true"),
            )
        )
    )
    assert output["good"] == SectionAnswer("good", "one\n\nthree", "", 0)
    assert output["bad"] == SectionAnswer("bad", "partly", "why", 7)
    assert (output["missing"].output, output["missing"].status) == ("", 127)
    assert output["silent"] == SectionAnswer("silent", "", "", 0)


def test_errors_are_kept_apart_from_the_output() -> None:
    output = answers(render((Section("both", "echo out; echo err >&2; echo out2"),)))
    assert output["both"] == SectionAnswer("both", "out\nout2", "err", 0)


def test_output_without_a_last_newline_is_complete() -> None:
    assert answers(render((Section("bare", "printf abc"),)))["bare"].output == "abc"


def test_only_a_line_feed_ends_a_line() -> None:
    """Comments of configurations hold other separators of lines, which their programs read as part of the comment."""
    text = "# a\vb\fc\x1cd\x85e\u2028f"
    section = Section("file", f"printf '%s\\nx\\n' '{text}'")
    result = subprocess.run(ARGV, input=render((section,)), capture_output=True, timeout=20)
    (answer,) = script.answers(result.stdout.decode())
    assert answer.output == f"{text}\nx"


def test_no_section_can_swallow_the_script() -> None:
    output = answers(render((Section("greedy", "cat"), Section("next", "echo here"))))
    assert (output["greedy"].output, output["next"].output) == ("", "here")


def test_language_and_time_zone_are_fixed() -> None:
    assert answers(render((Section("env", 'echo "$LC_ALL $TZ"'),)))["env"].output == "C UTC"


def test_a_slow_section_holds_up_no_other() -> None:
    events = run(render((Section("slow", "sleep 0.2; echo slow"), Section("quick", "echo quick"))))
    names = [each.section if isinstance(each, SectionAnswer) else type(each).__name__ for each in events]
    assert names == ["quick", "slow", "RoundDone"]


def test_a_section_that_is_unchanged_is_named_instead_of_answered() -> None:
    section = Section("kept", "echo $round", every=4, unchanged="[ $round -ne 2 ]")
    events = run(render((section,), rounds=6, pause_s=0.01))
    assert [each.output for each in events if isinstance(each, SectionAnswer)] == ["0", "2", "4"]
    contents = [each.unchanged for each in events if isinstance(each, RoundDone)]
    assert contents == [(), ("kept",), (), ("kept",), (), ("kept",)]


def test_a_round_without_answers_does_not_wait_for_what_follows() -> None:
    section = Section("kept", "echo once", every=1000, unchanged="true")
    events = run(render((section,), rounds=3, pause_s=0.01, follow="sleep 5"))
    assert sum(isinstance(each, RoundDone) for each in events) == 3


def test_rounds_and_slower_queries() -> None:
    events = run(render((Section("often", "echo o"), Section("seldom", "echo s", every=3)), rounds=4, pause_s=0.01))
    names = [each.section for each in events if isinstance(each, SectionAnswer)]
    assert sum(isinstance(each, RoundDone) for each in events) == 4
    assert (names.count("often"), names.count("seldom")) == (4, 2)


def test_lines_of_followed_commands_are_separate() -> None:
    events = run(render((Section("a", "sleep 0.1"),), follow="{ echo pushed; exec sleep 600; }"))
    assert PushedLine("pushed") in events


def test_what_is_followed_ends_when_nobody_reads_on() -> None:
    script = render((Section("pid", "true"),), rounds=None, pause_s=0.01, follow="sh -c 'echo $$; exec sleep 600'")
    with subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(script.decode())
        shell.stdin.close()
        pid = next(int(line) for line in shell.stdout if line.strip().isdigit())
        followed = os.pidfd_open(pid)
        shell.stdout.close()
    ended, _, _ = select.select([followed], [], [], 10)
    os.close(followed)
    assert ended


PROGRAMS = ("bash", "sh", "busybox", "dash")


def paced_rounds(
    folder: Path, shell: tuple[str, ...], count: int, *sections: Section, bash: bool = True
) -> list[float]:
    """The pauses before the first rounds of an endless script; `sleep` leaves a line in `slept`."""
    for name in PROGRAMS:
        if (result := shutil.which(name)) and (bash or name != "bash"):
            (folder / name).symlink_to(result)
    (folder / "sleep").write_text(f'#!/bin/sh\necho "$1" >>{folder}/slept\nexec {shutil.which("sleep")} "$1"\n')
    (folder / "sleep").chmod(0o755)
    script = render(sections, rounds=None, pause_s=0.2).replace(b"PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin", b"")
    times = [time.monotonic()]
    with subprocess.Popen(
        shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": str(folder)}
    ) as running:
        assert running.stdin
        assert running.stdout
        running.stdin.write(script)
        running.stdin.close()
        for line in running.stdout:
            if line.startswith(b"=haconsole= ."):
                times.append(time.monotonic())
                if len(times) > count:
                    break
        running.stdout.close()
        running.wait(10)
    return [after - before for before, after in itertools.pairwise(times)]


@pytest.mark.parametrize("shell", [("dash", "-s"), ("busybox", "ash", "-s")])
def test_a_pause_between_rounds_starts_no_process(tmp_path: Path, shell: tuple[str, ...]) -> None:
    pauses = paced_rounds(tmp_path, shell, 6, Section("a", "echo a"))
    assert not (tmp_path / "slept").exists()
    assert sum(pauses[1:]) > 5 * 0.2 * 0.9


def test_without_bash_a_pause_is_a_process(tmp_path: Path) -> None:
    pauses = paced_rounds(tmp_path, ("dash", "-s"), 3, Section("a", "echo a"), bash=False)
    assert (tmp_path / "slept").read_text().split()[:2] == ["0.2", "0.2"]
    assert min(pauses[1:]) > 0.19


def test_a_long_round_is_not_followed_by_the_rounds_that_it_delayed(tmp_path: Path) -> None:
    pauses = paced_rounds(tmp_path, ("dash", "-s"), 4, Section("a", f"exec {shutil.which('sleep')} 1", every=2))
    assert min(pauses) >= 0.09


def test_a_guard_that_starts_a_process_runs_in_some_rounds_only() -> None:
    section = Section("kept", "echo $round", every=6, unchanged="[ $round -ne 2 ]", check_every=2)
    events = run(render((section,), rounds=7, pause_s=0.01))
    assert [each.output for each in events if isinstance(each, SectionAnswer)] == ["0", "2", "6"]
    assert [each.unchanged for each in events if isinstance(each, RoundDone)] == [(), (), (), (), ("kept",), (), ()]


def watched(body: str, watch: str, seconds: float, shell: tuple[str, ...] = ("dash", "-s")) -> list[str]:
    """The outputs of a section with a watch, in their order, from a script that is read for so long."""
    script = render((Section("kept", body, every=4, watch=watch),), rounds=None, pause_s=0.05)
    reader, outputs, until = FrameReader(), [], time.monotonic() + seconds
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin
        assert running.stdout
        running.stdin.write(script.decode())
        running.stdin.close()
        for line in running.stdout:
            event = reader.take(line)
            if isinstance(event, SectionAnswer):
                outputs.append(event.output)
            if time.monotonic() > until:
                break
        running.stdout.close()
    return outputs


FRAME = r"printf '\n%s < kept\n%s\n\n%s ! 0\n\n%s >\n' "


@pytest.mark.parametrize("shell", [("dash", "-s"), ("busybox", "ash", "-s"), ("bash", "-s")])
def test_a_watch_answers_instead_of_the_rounds_after_the_first_one(shell: tuple[str, ...]) -> None:
    outputs = watched("echo queried", f'{FRAME} "$mark" pushed "$mark" "$mark"; sleep 1', 0.7, shell)
    assert outputs == ["queried", "pushed"]


def test_a_watch_that_ended_is_explained_by_the_query_and_started_again() -> None:
    outputs = watched("echo queried", f'{FRAME} "$mark" pushed "$mark" "$mark"; return 1', 1.0)
    assert outputs[:5] == ["queried", "pushed", "queried", "pushed", "queried"]


def test_where_nothing_can_stay_the_section_is_queried_at_its_pace() -> None:
    outputs = watched("echo queried", "return 69", 1.05)
    assert set(outputs) == {"queried"}
    assert 4 <= len(outputs) <= 7


def test_a_watch_ends_with_the_script() -> None:
    script = render((Section("kept", "true", watch="echo $$; exec sleep 600"),), rounds=None, pause_s=0.01)
    with subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write(script.decode())
        shell.stdin.close()
        next(line for line in shell.stdout if line.strip().isdigit())
        while not (sleepers := [pid for pid in children_of(shell.pid) if "sleep\x00600" in cmdline(pid)]):
            time.sleep(0.05)
        watch = os.pidfd_open(sleepers[0])
        shell.stdout.close()
    ended, _, _ = select.select([watch], [], [], 10)
    os.close(watch)
    assert ended


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def children_of(pid: int) -> set[int]:
    """All descendants of a process."""
    try:
        own = {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()
    return own.union(*(children_of(one) for one in own))


def test_a_frame_between_the_lines_of_another_one_hides_neither() -> None:
    lines = ("< a", "", "< b", "", "! 0", "", ">", "", "! 0", "", ">")
    reader = FrameReader()
    events = [reader.take(f"=haconsole= {line}" if line else "text") for line in lines]
    answers = [event for event in events if isinstance(event, SectionAnswer)]
    assert [(each.section, each.output, each.status) for each in answers] == [("b", "text", 0), ("a", "text\ntext", 0)]


def test_a_frame_without_an_end_swallows_no_line_after_the_round() -> None:
    reader = FrameReader()
    for line in ("=haconsole= < a", "text", "=haconsole= ."):
        reader.take(line)
    assert reader.take("pushed") == PushedLine("pushed")


def test_half_a_frame_is_no_answer() -> None:
    reader = FrameReader()
    assert [reader.take(line) for line in ("=haconsole= < a", "text", "=haconsole= >")] == [None, None, None]
    assert reader.take("=haconsole= .") == RoundDone()


def test_an_answer_does_not_print_its_output() -> None:
    assert "hunter2" not in repr(SectionAnswer("a", "auth_pass hunter2", "", 0))


def test_an_answer_without_end_is_not_kept_and_one_after_it_is_heard() -> None:
    reader = FrameReader()
    mark = "=haconsole="
    reader.take(f"{mark} < endless")
    tracemalloc.start()
    for _ in range(200):
        reader.take("x" * (1 << 20))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * LONGEST_ANSWER
    reader.take(f"{mark} ! 0")
    output = reader.take(f"{mark} >")
    assert isinstance(output, SectionAnswer)
    assert (output.section, output.output, output.status) == ("endless", "", -1)
    assert "longer than" in output.errors
    for line in (f"{mark} < short", "fine", f"{mark} ! 0"):
        reader.take(line)
    assert reader.take(f"{mark} >") == SectionAnswer("short", "fine", "", 0)


def test_a_damaged_status_line_is_status_minus_one_and_hides_no_other_answer() -> None:
    reader = FrameReader()
    lines = [
        "=haconsole= < a",
        "one",
        "=haconsole= ! x²",
        "",
        "=haconsole= >",
        "=haconsole= < b",
        "=haconsole= ! 0",
        "",
    ]
    events = [reader.take(line) for line in (*lines, "=haconsole= >")]
    assert [answer for answer in events if answer] == [SectionAnswer("a", "one", "", -1), SectionAnswer("b", "", "", 0)]
