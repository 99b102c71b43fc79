"""The state of a kubelet by its node's lease in the API, and the host behind the holder of a lease."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.actions.checks import LeaseHeld
from haconsole.execution.verify import api_state
from haconsole.execution.verify.api_state import api_problems, renewal_problems
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.transport.base import Argv, Completed
from haconsole.transport.kube_objects import LeaseObject, LeaseSpec, Meta
from tests.unit.execution.local import FastClock, LocalFleet, LocalHost, local_context

BEGAN = 1_800_000_000
OLD = ("w1: node w1 has not renewed its lease since kubelet started: see journalctl -u kubelet there",)


@pytest.mark.parametrize(("renewed", "problems"), [(BEGAN + 1, ()), (BEGAN - 9, OLD), (None, OLD)])
def test_a_lease_is_renewed_after_its_kubelet_began(renewed: int | None, problems: tuple[str, ...]) -> None:
    time = datetime.fromtimestamp(renewed, UTC) if renewed else None
    leases = (LeaseObject(metadata=Meta(name="w1"), spec=LeaseSpec(renew_time=time)),)
    assert renewal_problems("w1", leases, BEGAN, "w1") == problems


def test_a_node_that_never_had_a_lease_has_nothing_to_renew() -> None:
    assert renewal_problems("w1", (), BEGAN, "w1") == ()


class NamedHost(LocalHost):
    """A host that calls itself otherwise than the inventory does."""

    async def run(self, argv: Argv, **options: Any) -> Completed:
        result = await super().run(("true",), **options)
        return replace(result, stdout=f"{OWN_NAMES[self.name]}\n")


class LeaseApi:
    """An API server with one lease, whose holder is a component on a host of that name."""

    def __init__(self, holder: str) -> None:
        self._holder = f"{holder}_6ba4b32e-9d1f-4f0e-8a3c-0123456789ab"

    async def leases(self, namespace: str, **_: object) -> tuple[LeaseObject, ...]:
        spec = LeaseSpec(holder_identity=self._holder, lease_duration_seconds=15, renew_time=datetime.now(UTC))
        return (LeaseObject(metadata=Meta(name="kube-scheduler", namespace=namespace), spec=spec),)


OWN_NAMES = {"master01": "ip-10-0-0-1.internal", "master02": "Master03", "master03": "unread"}


@pytest.mark.parametrize(
    ("holder", "host"), [("ip-10-0-0-1.internal", "master01"), ("master03", "master02"), ("other", "")]
)
async def test_the_holder_of_a_lease_is_found_by_the_name_that_its_host_calls_itself(
    holder: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """master02 calls itself as the inventory calls master03, which does not answer."""

    @asynccontextmanager
    async def kube_on(*_: object) -> AsyncIterator[LeaseApi]:
        yield LeaseApi(holder)

    monkeypatch.setattr(api_state, "kube_on", kube_on)
    names = tuple(HostName(name) for name in OWN_NAMES)
    hosts = tuple(Host(name=name, address=f"10.0.0.2{n}", roles=(Role.CONTROL_PLANE,)) for n, name in enumerate(names))
    fleet = LocalFleet()
    fleet.hosts = {name: NamedHost(name, unreachable=name == "master03") for name in names}
    context = local_context(Inventory(cluster="lab", hosts=hosts), fleet, FastClock(), tmp_path).cluster
    for name in names:
        problems = await api_problems(context, LeaseHeld("kube-system", "kube-scheduler", (name,)), hosts[0])
        assert (problems == ()) is (name == host)
