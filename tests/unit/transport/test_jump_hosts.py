"""Connecting through jump hosts: of the inventory, of ssh_config, and those that fail."""

from __future__ import annotations

import asyncio
from pathlib import Path

from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.observed import Cause
from tests.fakes.sshd import CP1, CP2, Sshd, free_port, one_host, running_sshd, ssh_config_file
from tests.unit.transport.conftest import MakeFleet, refused


async def test_through_a_jump_host_of_the_inventory(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "bastion") as bastion:
        inventory = Inventory(
            cluster="test",
            hosts=(
                Host(name="bastion", address="127.0.0.1", roles=(Role.BASTION,), ssh=bastion.ssh()),
                Host(name="cp1", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="bastion")),
                Host(name="cp2", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="bastion")),
            ),
        )
        fleet = make_fleet(inventory)
        result = await asyncio.gather(*(fleet.host(name).run(("printenv", "SSH_CONNECTION")) for name in (CP1, CP2)))
        assert all(each.ok for each in result)
        assert bastion.logins == 1
        bastion.drop_connections()
        assert (await fleet.host(CP1).run(("true",))).ok


async def test_through_jump_hosts_of_ssh_config(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "a") as first, running_sshd(tmp_path / "b") as second:
        known = tmp_path / "known"
        known.write_text("".join(each.known_hosts.read_text() for each in (sshd, first, second)))
        text = f"""
        Host first
            Port {first.port}
        Host first second
            HostName 127.0.0.1
        Host 127.0.0.1
            ProxyJump first,second:{second.port}
        Host *
            IdentityFile {sshd.user_key}
        """
        ssh = sshd.ssh(config=ssh_config_file(tmp_path, text), identity_file=None, known_hosts=str(known))
        assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok
        assert (first.logins, second.logins) == (1, 1)


async def test_an_outside_jump_host_uses_the_login_of_the_host_behind(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    with running_sshd(tmp_path / "bastion") as bastion:
        known = tmp_path / "known"
        known.write_text(sshd.known_hosts.read_text() + bastion.known_hosts.read_text())
        ssh = sshd.ssh(jump=f"127.0.0.1:{bastion.port}", known_hosts=str(known))
        assert (await make_fleet(one_host(ssh)).host(CP1).run(("true",))).ok


async def test_a_jump_host_that_is_down_is_the_cause(sshd: Sshd, make_fleet: MakeFleet) -> None:
    error = await refused(make_fleet, one_host(sshd.ssh(jump=f"127.0.0.1:{free_port()}")))
    assert error.cause is Cause.JUMP_FAILED
    assert f"could not reach {sshd.user}@127.0.0.1:{sshd.port} through 127.0.0.1" in error.what
    assert "refused" in error.what


async def test_a_host_down_behind_a_jump_host_is_not_the_jump_hosts_fault(sshd: Sshd, make_fleet: MakeFleet) -> None:
    inventory = one_host(sshd.ssh(port=free_port(), jump=f"127.0.0.1:{sshd.port}"))
    assert (await refused(make_fleet, inventory)).cause is Cause.REFUSED


async def test_a_jump_host_that_forwards_nothing_is_reported(make_fleet: MakeFleet, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "bastion", extra="AllowTcpForwarding no") as bastion:
        error = await refused(make_fleet, one_host(bastion.ssh(port=free_port(), jump=f"127.0.0.1:{bastion.port}")))
    assert (error.cause, "AllowTcpForwarding" in error.hint) == (Cause.JUMP_FAILED, True)


async def test_jump_hosts_in_a_circle_are_reported(sshd: Sshd, make_fleet: MakeFleet) -> None:
    inventory = Inventory(
        cluster="test",
        hosts=(
            Host(name="cp1", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="cp2")),
            Host(name="cp2", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(jump="cp1")),
        ),
    )
    error = await refused(make_fleet, inventory)
    assert (error.cause, "circle" in error.what) == (Cause.JUMP_FAILED, True)
