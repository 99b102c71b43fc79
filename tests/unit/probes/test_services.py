from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Haproxy, Host, Inventory, Kubernetes, VirtualIp
from haconsole.model.hosts import Role
from haconsole.probes.host_probes import expected_facts
from haconsole.probes.hosts.services import parse, since, units_of
from haconsole.probes.script import SectionAnswer


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
