"""haproxy's answers beyond the captured cases."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from haconsole.model.haproxy import AdminState, HaproxyFacts
from haconsole.model.observed import Cause
from haconsole.probes.balancers.haproxy import facts_of, section
from haconsole.probes.errors import ProbeError

CASES = Path(__file__).parent / "cases" / "haproxy"


def captured(name: str) -> str:
    text: str = yaml.safe_load((CASES / f"{name}.yaml").read_text())["output"]
    return text


def admin_states(facts: HaproxyFacts, backend: str) -> list[AdminState]:
    return [server.admin_state for result in facts.backends if result.name == backend for server in result.servers]


def test_the_state_file_shows_a_drain_that_the_status_hides() -> None:
    output = captured("drained-and-in-maintenance")
    whole, status_only = facts_of(output), facts_of(output[: output.index("\n1\n# be_id")])
    drain, maint, ready = AdminState.DRAIN, AdminState.MAINT, AdminState.READY
    assert admin_states(whole, "k8s_server_6443") == [drain, drain, maint, drain, ready]
    assert admin_states(status_only, "k8s_server_6443") == [drain, ready, maint, drain, ready]


def test_maintenance_through_another_server_is_maintenance() -> None:
    output = captured("maintenance-through-another")
    assert "MAINT (via k8s_server_6443/cp1)" in output
    status_only = facts_of(output[: output.index("\n1\n# be_id")])
    assert admin_states(status_only, "k8s_server_6443")[3] is AdminState.MAINT


def test_only_servers_that_take_traffic_are_up() -> None:
    facts = facts_of(captured("drained-and-in-maintenance"))
    assert [server.name for server in facts.backends[0].servers if server.up] == ["cp5"]


def test_a_check_under_way_keeps_the_last_ones_result() -> None:
    output = captured("up-and-down").replace(",L7OK,200,", ",* L7OK,0,")
    server = facts_of(output).backends[0].servers[0]
    assert (server.check, server.check_detail) == ("L7OK", "Layer7 check passed")


@pytest.mark.parametrize("text", ["", "Name: HAProxy\nVersion: 2.6\n", "HTTP/1.0 400 Bad request\n\n<html></html>"])
def test_what_haproxy_would_not_write_is_unreadable(text: str) -> None:
    with pytest.raises(ProbeError) as excinfo:
        facts_of(text)
    assert excinfo.value.cause is Cause.UNREADABLE
    assert "stats_socket" in excinfo.value.hint


def test_the_section_quotes_the_path_and_queries_at_its_interval() -> None:
    request = section("/run/ha proxy/a.sock", every=3)
    assert (request.name, request.every) == ("haproxy", 3)
    assert request.body.startswith("set -- '/run/ha proxy/a.sock' 'show info;")
