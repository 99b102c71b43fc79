"""Wrong arguments of a command line: the report names the argument and what to write."""

from __future__ import annotations

import pytest

from haconsole.cli.main import run
from haconsole.errors import ExitCode


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("stats prod.yaml", ("'stats'", "'status'")),
        ("nosuch", ("'nosuch'", ".yaml")),
        ("plan joi prod.yaml", ("'joi'", "'join'")),
        ("run xyzzy prod.yaml", ("'xyzzy'", "haconsole run --help")),
        ("run --confirm prod restart prod.yaml etcd", ("--confirm", "haconsole run ACTION INVENTORY --confirm")),
        ("run restart prod.yaml nosuch", ("SERVICE", "'nosuch'", "'etcd'")),
        ("run restart prod.yaml etcd --wait soon", ("--wait", "'soon'", "a number of at least 0")),
        ("events prod.yaml --hours 0", ("--hours", "'0'", "a number from 0.1 to 168")),
        ("replay seen.jsonl --speed nan", ("--speed", "'nan'", "from 0.1 to 100")),
        ("discover cp1 --port 22.5", ("--port", "'22.5'", "a whole number from 1 to 65535")),
    ],
)
def test_a_wrong_word_is_reported_with_what_to_write(
    line: str, parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == ExitCode.USAGE
    error = " ".join(capsys.readouterr().err.split())
    assert [part for part in parts if part not in error] == []
