"""Control planes with all roles join and leave while a client writes to etcd and another reads the API through the VIP.

No write and no request fails, and there are no findings after each change. The counts are printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.load import ApiReader, EtcdWriter
from tests.hosts.machine import vip_holders
from tests.hosts.membership import ALL, QUIET, Members, without

pytestmark = [pytest.mark.timeout(1500), pytest.mark.nightly]


@pytest.fixture(scope="module")
def planes(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Five hosts with everything on the first three."""
    lab = make_lab_for_session(hosts=5)
    members = Members(lab, tmp_path_factory.mktemp("planes"), etcd_only=False)
    members.of(*ALL[:3]).events("bootstrap")
    return members


async def test_a_fourth_and_a_fifth_control_plane_join(planes: Members, tmp_path: Path, tell: Tell) -> None:
    with nothing_lost(planes, tmp_path, tell, "a fourth and a fifth control plane join"):
        for number in (4, 5):
            planes.of(*ALL[:number]).events("join", ALL[number - 1])
            await well(planes, ALL[:number])


async def test_the_leader_that_holds_the_vip_leaves(planes: Members, tmp_path: Path, tell: Tell) -> None:
    (owner,) = vip_holders(planes.lab)
    planes.of(*ALL).events("move-leader", owner)
    with nothing_lost(planes, tmp_path, tell, "etcd's leader, which holds the VIP, leaves"):
        assert (planes.leader(*ALL), vip_holders(planes.lab)) == (owner, [owner])
        planes.of(*ALL).events("remove", owner)
        await well(planes, without(owner))
        assert owner not in vip_holders(planes.lab)
    planes.of(*ALL).events("join", owner)
    await well(planes, ALL)


async def test_a_control_plane_without_power_is_replaced(planes: Members, tmp_path: Path, tell: Tell) -> None:
    planes.of(*ALL).events("remove", "cp5")
    (owner,) = vip_holders(planes.lab)
    dead = next(host for host in ALL[1:4] if host not in (owner, planes.leader(*ALL)))
    stand = {member["host"] for member in planes.listed()}
    planes.lab.crash(dead)
    await eventually(lambda: is_given_up(planes, dead), within_s=180)
    with nothing_lost(planes, tmp_path, tell, f"{dead}, whose power is off, is replaced"):
        planes.of(*ALL).events("replace", dead, "cp5")
        await well(planes, tuple(host for host in ALL if host in {*stand, "cp5"} - {dead}))


def is_given_up(members: Members, dead: str) -> bool:
    """The effects of the power loss are over: no API server waits for that member, no balancer for its server."""
    lab, address = members.lab, members.lab.spec.host(dead).address
    others = [host.name for host in lab.status() if host.running and host.name != "cp5"]
    waiting = f"ss -Htn state established dst {address} '( dport = :2379 or dport = :6443 )'"
    output = members.status(*without("cp5"))["haproxy"]
    servers = [
        one
        for host in output
        for backend in host["backends"] or ()
        for one in backend["servers"]
        if one["name"] == dead
    ]
    absent = servers and all(server["status"].startswith("DOWN") for server in servers)
    return bool(absent) and all(members.shell(host, waiting) == "" for host in others)


@contextmanager
def nothing_lost(members: Members, folder: Path, tell: Tell, what: str) -> Iterator[None]:
    """Write through all members and read through the VIP meanwhile; print the counts; neither may fail."""
    lab = members.lab
    reader = ApiReader(lab, lab.spec.vip, 8443, folder / "tls")
    with EtcdWriter(lab, members.addresses) as writes, reader as reads:
        try:
            yield
        finally:
            tell(what, writes=writes, reads=reads)
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"
    assert min(writes.successes, reads.successes) > 50, f"{writes}\n{reads}"


async def well(members: Members, hosts: tuple[str, ...]) -> None:
    """Healthy without a finding, soon: a lock's new holder may still be about to take it."""

    def healthy() -> bool:
        return not [one for one in members.status(*hosts)["findings"] if one["code"] not in QUIET]

    with suppress(TimeoutError):  # the check then shows the findings that remain
        await eventually(healthy, within_s=120)
    members.check(*hosts)
