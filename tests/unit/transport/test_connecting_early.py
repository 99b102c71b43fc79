"""Hosts that are connected before anything is read from them."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.transport.base import TransportError
from tests.fakes.sshd import Sshd, free_port, inventory_of
from tests.fakes.waiting import eventually
from tests.unit.transport.conftest import MakeFleet

CP1 = HostName("cp1")


async def test_the_first_query_uses_the_connection_that_was_begun(sshd: Sshd, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(inventory_of({"cp1": sshd}))
    before = sshd.logins
    fleet.begin()
    await eventually(lambda: sshd.logins == before + 1)
    await fleet.host(CP1).connect()
    await fleet.host(CP1).run(("true",))
    assert sshd.logins == before + 1


async def test_a_failure_from_before_is_reported_once_and_then_tried_again(sshd: Sshd, make_fleet: MakeFleet) -> None:
    attempts = 0

    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        hosts = (Host(name="cp1", address="127.0.0.1", roles=(Role.ETCD,), ssh=sshd.ssh(port=port)),)
        fleet = make_fleet(Inventory(cluster="test", hosts=hosts))
        fleet.begin()
        await eventually(lambda: attempts == 1)
        await asyncio.sleep(0.1)
        for expected in (1, 2):
            with pytest.raises(TransportError):
                await fleet.host(CP1).connect()
            assert attempts == expected


async def test_an_old_failure_from_before_is_not_reported(
    sshd: Sshd, make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first query of a host may come minutes later, when it is there again."""
    monkeypatch.setattr("haconsole.transport.ssh.host.EARLY_S", 0.0)
    fleet = make_fleet(inventory_of({"cp1": sshd}))
    host = fleet.host(CP1)
    link, address = host._link, "127.0.0.1"
    link._destination = replace(link._destination, address="127.0.0.1", port=free_port())
    fleet.begin()
    assert host._early
    await asyncio.wait((host._early,))
    link._destination = replace(link._destination, address=address, port=sshd.port)
    await host.connect()


async def test_closing_ends_an_attempt_that_nobody_waits_for(sshd: Sshd, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(inventory_of({"cp1": sshd}))
    fleet.begin()
    await fleet.close()
