"""Every parser against what real hosts wrote: one file a case, with the command, its output and what it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from haconsole.model.names import HostName
from haconsole.probes.balancers import haproxy, keepalived
from haconsole.probes.discovery import kube_vip
from haconsole.probes.errors import ProbeError
from haconsole.probes.etcd import election
from haconsole.probes.hosts import (
    addresses,
    disks,
    events,
    kubelet,
    old_files,
    past_events,
    peer_ports,
    platform,
    services,
    system,
    unit_setup,
)
from haconsole.probes.kubernetes import apiserver
from haconsole.probes.script import SectionAnswer
from haconsole.session.container_logs import container_line

CASES = Path(__file__).parent / "cases"
PARSERS: dict[str, Callable[[SectionAnswer], Any]] = {
    "addresses": addresses.parse,
    "address-changes": lambda answer: [addresses.parse_change(line) for line in answer.output.splitlines()],
    "apiserver": apiserver.etcd_servers,
    "configs": system.parse_checks,
    "container-logs": lambda answer: [container_line(HostName("cp1"), line) for line in answer.output.splitlines()],
    "disks": disks.parse,
    "election": election.parse,
    "events": events.parse,
    "old_files": old_files.parse,
    "haproxy": haproxy.parse,
    "keepalived": lambda answer: keepalived.parse(answer, b"secret of the test"),
    "kubelet": kubelet.parse,
    "kube-vip": kube_vip.parse,
    "past-events": past_events.parse,
    "peer-ports": peer_ports.parse,
    "platform": platform.parse,
    "services": services.parse,
    "system": system.parse,
    "unit_setup": unit_setup.parse,
}


def files() -> list[Path]:
    return sorted(CASES.rglob("*.yaml"))


def test_every_parser_has_a_case() -> None:
    assert {path.parent.name for path in files()} == set(PARSERS)


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    answer = SectionAnswer(
        path.stem, case.get("output", "").rstrip("\n"), case.get("errors", ""), case.get("status", 0)
    )
    parse = PARSERS[path.parent.name]
    if "error" in case:
        with pytest.raises(ProbeError) as raised:
            parse(answer)
        assert {"what": raised.value.what, "cause": str(raised.value.cause)} == case["error"]
    else:
        assert json.loads(msgspec.json.encode(parse(answer))) == case["expected"]
