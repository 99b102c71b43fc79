"""A host with only the balancer role joins, holds the VIP, and leaves, under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.load import ApiReader, EtcdWriter
from tests.hosts.machine import vip_holders
from tests.hosts.membership import ALL, Members
from tests.hosts.program import lacking, outcomes

pytestmark = [pytest.mark.timeout(900), pytest.mark.nightly]
THREE, FOUR = ALL[:3], ALL[:4]


async def test_a_host_with_only_a_balancer_joins_holds_the_vip_and_leaves(
    make_lab: LabMaker, tmp_path: Path, tell: Tell
) -> None:
    lab = make_lab(hosts=4)
    members = Members(lab, tmp_path, etcd_only=False)
    members.give("cp4", "load-balancer")
    members.of(*THREE).events("bootstrap")
    with (
        EtcdWriter(lab, members.addresses[:3]) as writes,
        ApiReader(lab, lab.spec.vip, 8443, tmp_path / "tls") as reads,
    ):
        joined = outcomes(members.of(*FOUR).events("join", "cp4"))
        assert not [step for step in joined if step.startswith(("etcd.add", "kubernetes.kube-apiserver"))]
        await eventually(lambda: whole(members, FOUR), within_s=60)
        members.of(*FOUR).events("failover", "--to", "cp4")
        assert vip_holders(lab) == ["cp4"]
        refusal = members.refused(FOUR, "remove", "cp4")
        assert lacking(refusal, "cp1", "down file", "run failback") == []
        members.of(*FOUR).events("failback")
        members.of(*FOUR).events("remove", "cp4")
        assert vip_holders(lab) == ["cp1"]
        await eventually(lambda: whole(members, THREE), within_s=60)
    tell("a balancer joins, takes the VIP, gives it back and leaves", writes=writes, reads=reads)
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"
    rest = "systemctl is-active haproxy keepalived | sort -u; ls /etc/keepalived/keepalived.conf 2>/dev/null; true"
    assert members.shell("cp4", rest) == "inactive\n"
    known = members.shell("cp1", "cat /etc/keepalived/keepalived.conf /etc/haproxy/haproxy.cfg")
    assert lab.spec.host("cp4").address not in known


def whole(members: Members, hosts: tuple[str, ...]) -> bool:
    """Nothing to find, but for the down files that a move of the VIP leaves until it goes back."""
    output = members.status(*hosts)
    return [one["code"] for one in output["findings"] if one["code"] != "vip.forced-down"] == []
