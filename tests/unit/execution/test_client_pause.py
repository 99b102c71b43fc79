"""VIPs paused during an operation: on every balancer, ended in any case, harmless where it fails."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from haconsole.actions.steps.vip_scripts import GO_ON, PAUSE
from haconsole.configs.layout import layout
from haconsole.execution.etcd.client_pause import vips_paused
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.probes.context import ClusterContext, ProbeTimings
from tests.fakes.cluster import INVENTORY
from tests.fakes.transport import FakeFleet

HOSTS = ("cp1", "cp2", "cp3")


def context(fleet: FakeFleet, inventory: Inventory = INVENTORY) -> ClusterContext:
    return ClusterContext(inventory, layout(inventory), fleet, lambda: datetime.now(UTC), b"", ProbeTimings())


@pytest.fixture
def fleet() -> FakeFleet:
    result = FakeFleet()
    for name in HOSTS:
        result.host(HostName(name)).when("sh", say="")
    return result


def scripts_of(fleet: FakeFleet) -> list[list[str]]:
    """The scripts that each host ran, in order."""
    message = {PAUSE.strip(): "pause", GO_ON.strip(): "go on"}
    return [[message[call.argv[2]] for call in fleet.host(HostName(name)).calls] for name in HOSTS]


async def test_every_balancer_pauses_and_goes_on_whatever_happened(fleet: FakeFleet) -> None:
    async def happens() -> None:
        async with vips_paused(context(fleet)):
            assert scripts_of(fleet) == [["pause"]] * 3
            raise KeyError

    with pytest.raises(KeyError):
        await happens()
    assert scripts_of(fleet) == [["pause", "go on"]] * 3
    first = fleet.host(HostName("cp1")).calls[0]
    assert (first.argv[3:], first.root) == (("pause", "8443", "10.99.0.100"), True)


async def test_a_balancer_that_is_away_is_no_reason_to_wait(fleet: FakeFleet) -> None:
    fleet.host(HostName("cp2")).cut()
    async with vips_paused(context(fleet)):
        pass
    assert scripts_of(fleet) == [["pause", "go on"], [], ["pause", "go on"]]


async def test_there_is_nothing_to_pause_without_a_vip(fleet: FakeFleet) -> None:
    async with vips_paused(context(fleet, msgspec.structs.replace(INVENTORY, vips=()))):
        pass
    assert scripts_of(fleet) == [[], [], []]
