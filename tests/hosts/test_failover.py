"""A VIP is moved by plan and goes back, while a client reads the API through it."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

from tests.fakes.waiting import eventually
from tests.hosts.conftest import Tell
from tests.hosts.load import ApiReader
from tests.hosts.machine import vip_holders
from tests.hosts.program import Program, lacking

DOWN = "/etc/keepalived/down"


def lost_connections(events: list[dict[str, Any]]) -> list[str]:
    """The run's lines about connections that clients lost."""
    return [
        event["text"] for event in events if event["event"] == "step-output" and "connections made" in event["text"]
    ]


async def test_it_moves_and_goes_back_and_nothing_is_lost(installed: Program, tmp_path: Path, tell: Tell) -> None:
    lab = installed.lab
    await eventually(lambda: vip_holders(lab) == ["cp1"], within_s=60)
    reader = ApiReader(lab, lab.spec.vip, 8443, tmp_path / "tls")
    with reader as reads, reader.rests() as first, reader.watches() as watch:
        away = installed.events("failover", "--to", "cp3")
        assert vip_holders(lab) == ["cp3"]
        assert [host for host in ("cp1", "cp2", "cp3") if lab.exec(host, "test", "-e", DOWN).returncode == 0] == [
            "cp1",
            "cp2",
        ]
        with reader.rests() as second:
            back = installed.events("failback")
            assert vip_holders(lab) == ["cp1"]
            assert [ended(one) for one in (first, watch, second)] == [True] * 3
    tell(f"the VIP moves and goes back ({'; '.join(lost_connections(away) + lost_connections(back))})", reads=reads)
    assert len(lost_connections(away)) == len(lost_connections(back)) == 1
    assert [" 0 lost" in output for output in lost_connections(away) + lost_connections(back)] == [True, True]
    assert reads.failed == 0, str(reads)
    assert reads.successes > 50, str(reads)
    for host in ("cp1", "cp2", "cp3"):
        assert lab.exec(host, "nft", "list", "ruleset").stdout == ""
        assert lab.exec(host, "test", "-e", DOWN).returncode == 1


def ended(connection: http.client.HTTPSConnection) -> bool:
    """Whether the connection was closed; a client of a server that vanished would still wait."""
    connection.sock.settimeout(0.5)
    try:
        while connection.sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_a_balancer_that_could_not_hold_it_is_not_chosen(installed: Program) -> None:
    lab = installed.lab
    lab.exec("cp2", "systemctl", "stop", "haproxy")
    try:
        named = installed("plan", "failover", "--to", "cp2")
        planned = installed("plan", "failover")
    finally:
        lab.exec("cp2", "systemctl", "start", "haproxy")
    assert named.returncode == 4
    assert lacking(named.stderr, "cp2", "haproxy") == []
    assert "from cp1 to cp3" in planned.stdout
