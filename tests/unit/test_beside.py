"""Steps that ran beside a failed request, as the tests on hosts print them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hosts.beside import steps_beside
from tests.hosts.load import Counts

AT = 1_800_000_000.0


def log(folder: Path, *lines: tuple[str, str, str]) -> None:
    """A run's log with lines of a kind, a step and the seconds after 08:00:00."""
    path = folder / "haconsole/runs/one.jsonl"
    path.parent.mkdir(parents=True)
    entries = [{"kind": kind, "step": step, "at": f"2027-01-15T08:00:{second}+00:00"} for kind, step, second in lines]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + '{"kind": "int')


def test_only_steps_of_that_moment_are_named(tmp_path: Path) -> None:
    log(
        tmp_path,
        ("intent", "etcd.trust@cp1", "00"),
        ("performed", "etcd.trust@cp1", "04"),
        ("verified", "etcd.trust@cp1", "06"),
        ("intent", "haproxy.trust@cp1", "07"),
        ("verified", "haproxy.trust@cp1", "08"),
        ("intent", "etcd.trust@cp2", "30"),
    )
    assert steps_beside(tmp_path, AT + 3, AT + 5) == ("etcd.trust@cp1 (began -3.0 s, performed +1.0 s, ended +3.0 s)",)
    assert steps_beside(tmp_path, AT + 9, AT + 10) == ()
    assert steps_beside(tmp_path, AT + 40, AT + 55) == ("etcd.trust@cp2 (began -10.0 s)",)


def test_counts_print_the_steps_beside_each_error(tmp_path: Path) -> None:
    log(tmp_path, ("intent", "etcd.trust@cp1", "00"), ("verified", "etcd.trust@cp1", "06"))
    counts = Counts(successes=3, failed=1, runs=tmp_path)
    counts.note("failed", 15.1, ["The read operation timed out"], now=AT + 16.1)
    first, second, third = str(counts).splitlines()
    assert first.startswith("3 done")
    assert second.endswith(".100 after 15.10 s: The read operation timed out")
    assert third == "    beside it: etcd.trust@cp1 (began -1.0 s, ended +5.0 s)"
