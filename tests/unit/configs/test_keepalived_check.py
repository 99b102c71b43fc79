"""The check that keepalived runs, run by bash against a port that answers, answers badly, or is closed."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from haconsole.configs.haproxy import HEALTH_PATH
from haconsole.configs.keepalived import keepalived_check
from haconsole.inventory.schema import Haproxy, Keepalived
from tests.unit.configs import samples

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed here")


@contextmanager
def health_port(status: int) -> Iterator[int]:
    """A loopback port that answers the health path with `status`, anything else with 404."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == HEALTH_PATH else 404)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def check(port: int, down_file: Path) -> int:
    inventory = msgspec.structs.replace(
        samples.lab(), haproxy=Haproxy(health_port=port), keepalived=Keepalived(down_file=str(down_file))
    )
    result = subprocess.run(("bash", "-c", keepalived_check(inventory)), capture_output=True, timeout=10)
    assert result.stdout == b""
    assert result.stderr == b""
    return result.returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_it_goes_by_haproxys_word(tmp_path: Path, status: int, code: int) -> None:
    with health_port(status) as port:
        assert check(port, tmp_path / "down") == code


def test_it_fails_while_the_down_file_is_there(tmp_path: Path) -> None:
    down = tmp_path / "down"
    with health_port(200) as port:
        down.touch()
        assert check(port, down) == 1
        down.unlink()
        assert check(port, down) == 0


def test_it_fails_when_haproxy_is_not_there(tmp_path: Path) -> None:
    with health_port(200) as port:
        pass
    assert check(port, tmp_path / "down") == 1
