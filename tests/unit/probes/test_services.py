from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Haproxy, Host, Inventory, Kubernetes, VirtualIp
from haconsole.model.hosts import Role
from haconsole.model.system import Listener
from haconsole.probes.host_probes import expected_facts
from haconsole.probes.hosts.services import parse, since, units_of
from haconsole.probes.script import SectionAnswer
from haconsole.scripts import load_script


def inventory(*roles: Role) -> Inventory:
    return Inventory(
        cluster="c",
        hosts=(Host(name="a", address="10.0.0.1", roles=roles),),
        kubernetes=Kubernetes(),
        haproxy=Haproxy(),
        vips=(VirtualIp(address="10.0.0.9"),),
    )


def units(*roles: Role) -> tuple[str, ...]:
    result = inventory(*roles)
    return units_of(layout(result), result.hosts[0])


def test_roles_imply_units() -> None:
    assert units(Role.ETCD) == ("etcd.service",)
    assert units(Role.LOAD_BALANCER) == ("haproxy.service", "keepalived.service")
    assert "kube-scheduler.service" in units(Role.CONTROL_PLANE)
    assert units(Role.WORKER) == ("kubelet.service", "containerd.service")
    assert units(Role.BASTION) == ()


def test_every_way_systemd_writes_a_time() -> None:
    moment = datetime(2026, 11, 21, 11, 20, 20, tzinfo=UTC)
    assert since("Sat 2026-11-21 11:20:20 UTC") == moment
    assert since("Sat 2026-11-21 11:20:20.971436 UTC") == moment
    assert since("@1795260020") == moment
    assert since("") is since("n/a") is None


def test_a_systemd_too_old_to_count_restarts() -> None:
    block = "MainPID=7\nId=etcd.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=static"
    (state,) = parse(SectionAnswer("services", block, "", 0))
    assert (state.pid, state.restarts, state.enabled, state.since) == (7, 0, None, None)


def test_certificates_of_a_worker_are_read_where_there_is_kubernetes() -> None:
    result = inventory(Role.WORKER)
    worker = result.hosts[0]
    assert "certificates" in expected_facts(layout(result), worker, certificates=True)
    assert "certificates" not in expected_facts(layout(result), worker, certificates=False)
    bare = msgspec.structs.replace(result, kubernetes=None)
    assert "certificates" not in expected_facts(layout(bare), worker, certificates=True)


SHOWN = """\
Id=kube-scheduler.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
NRestarts=7
Result=exit-code
MainPID=0

Id=haproxy.service
LoadState=loaded
ActiveState=active
SubState=running
MainPID=81
"""
IN_USE = "failed to create listener: listen tcp 0.0.0.0:10259: bind: address already in use"


@pytest.mark.parametrize("shell", [("sh",), ("busybox", "ash")])
@pytest.mark.parametrize("line", [IN_USE, "unknown flag: --leader-elct"])
def test_listening_ports_are_read_with_a_log_that_has_a_port_in_use(
    tmp_path: Path, shell: tuple[str, ...], line: str
) -> None:
    entry = json.dumps({"MESSAGE": line, "PRIORITY": "3"})
    answers = {
        "systemctl": SHOWN,
        "journalctl": f"{entry}\n",
        "ss": 'LISTEN 0 5 0.0.0.0:10259 0.0.0.0:* users:(("socat",pid=7,fd=5))\n',
    }
    for name, text in answers.items():
        (tmp_path / f"{name}.text").write_text(text)
        (tmp_path / name).write_text(f"#!/bin/sh\ncat {tmp_path}/{name}.text\n")
        (tmp_path / name).chmod(0o755)
    words = ("-c", load_script("units"), "units", "Id", "kube-scheduler.service", "haproxy.service")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "guarded": "yes"}
    result = subprocess.run((*shell, *words), capture_output=True, text=True, env=environment, check=True)
    scheduler, haproxy = parse(SectionAnswer("services", result.stdout, result.stderr, 0))
    assert scheduler.lines == (line,)
    holder = (Listener(10259, "0.0.0.0", "socat", 7),) if line == IN_USE else ()
    assert (scheduler.listeners, haproxy.listeners) == (holder, ())
