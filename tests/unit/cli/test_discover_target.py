"""The host that `discover` is given, as it would be typed after ``ssh``."""

from __future__ import annotations

import pytest

from haconsole.cli.discover import login_of
from haconsole.cli.main import run
from haconsole.errors import ExitCode


@pytest.mark.parametrize(
    ("target", "login"),
    [
        ("cp1", ("", "cp1")),
        ("root@cp1.example.org", ("root", "cp1.example.org")),
        ("2001:db8::1", ("", "2001:db8::1")),
        ("root@[2001:db8::1]", ("root", "2001:db8::1")),
        ("::1", ("", "::1")),
        ("[::ffff:10.0.0.1]", ("", "::ffff:10.0.0.1")),
    ],
)
def test_names_and_addresses_of_both_families_are_read(target: str, login: tuple[str, str]) -> None:
    assert login_of(target) == login


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "'' names no host; write HOST or USER@HOST"),
        ("root@", "'root@' names no host; write HOST or USER@HOST"),
        ("@cp1", "'@cp1' names no user; write HOST or USER@HOST"),
        ("root@cp1:2222", "'root@cp1:2222' has a port in it; write root@cp1 --port 2222"),
        ("[::1]:2222", "'[::1]:2222' has a port in it; write ::1 --port 2222"),
    ],
)
def test_a_target_that_is_none_is_a_mistake_of_usage(
    target: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["discover", target]) == ExitCode.USAGE
    assert capsys.readouterr().err == f"haconsole: {message}\n"


@pytest.mark.parametrize("target", ["::1", "[::1]", "::ffff:127.0.0.1"])
def test_an_address_that_begins_with_colons_is_connected_to(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "--port", "1", target]) not in (ExitCode.USAGE, ExitCode.INVALID_INVENTORY)
    assert "could not connect to" in capsys.readouterr().err


def test_a_host_that_cannot_be_reached_is_named_as_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "--port", "1", "ops@127.0.0.1"]) == ExitCode.FAILED
    assert capsys.readouterr().err.startswith("haconsole: 127.0.0.1: could not connect to ops@127.0.0.1:1: ")
