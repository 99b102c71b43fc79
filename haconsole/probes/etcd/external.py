"""An etcd outside the inventory, queried at each endpoint from a control plane, with its API server's certificate."""

from __future__ import annotations

import asyncio
from functools import partial

from haconsole.inventory import effective
from haconsole.inventory.schema import Host
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.hosts import Role
from haconsole.model.observed import NOT_ASKED, Known, Observed
from haconsole.probes.any_source import NEXT_AFTER_S, first_known, take_turns
from haconsole.probes.context import ClusterContext
from haconsole.probes.etcd.access import etcd_at
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.probes.fact_store import FactStore


class ExternalEtcdProbe:
    """Queries each endpoint through one control plane for as long as it answers, else through the next one."""

    def __init__(self, context: ClusterContext, store: FactStore) -> None:
        self._context, self._store = context, store
        self._urls = effective.external_etcd_urls(context.inventory)
        self._planes = context.inventory.with_role(Role.CONTROL_PLANE)

    @property
    def expected(self) -> bool:
        return bool(self._urls and self._planes)

    async def once(self) -> None:
        async with asyncio.TaskGroup() as group:
            for url in self._urls:
                group.create_task(self._look(url))

    def give_up(self, seconds: float) -> None:
        """Record which endpoints gave no answer in time."""
        for url in self._urls:
            if self._store.shared.external_etcd_missing(url):
                self._store.shared.put_external_etcd(url, self._context.unanswered(url, seconds))

    async def follow(self) -> None:
        """Query every endpoint without end."""
        async with asyncio.TaskGroup() as group:
            for url in self._urls:
                put = partial(self._store.shared.put_external_etcd, url)
                turns = take_turns(self._planes, partial(self._stay, url), put, self._context.timings.reopen_s)
                group.create_task(turns)

    async def _look(self, url: str) -> None:
        asks = tuple((NEXT_AFTER_S, partial(self._once, url, plane)) for plane in self._planes)
        self._store.shared.put_external_etcd(url, await first_known(asks))

    async def _once(self, url: str, plane: Host) -> Observed[EtcdEndpoint]:
        try:
            async with asyncio.timeout(self._context.timings.fact_s), etcd_at(self._context, url, plane) as api:
                endpoint = await probe_etcd(api, deadline_s=self._context.timings.etcd_s)
                return Known(endpoint, self._context.now(), plane.name)
        except TimeoutError:
            return self._context.late(plane, f"etcd at {url}", self._context.timings.fact_s)
        except Exception as error:
            return self._context.failed(plane, f"etcd at {url}", error)

    async def _stay(self, url: str, plane: Host) -> Observed[EtcdEndpoint]:
        """Query through one channel until that fails: the failure, or NOT_ASKED if there was an answer before it."""
        failure: Observed[EtcdEndpoint] = NOT_ASKED
        answered = False
        try:
            async with etcd_at(self._context, url, plane) as api:
                while True:
                    async with asyncio.timeout(self._context.timings.fact_s):
                        endpoint = await probe_etcd(api, deadline_s=self._context.timings.etcd_s)
                    answered = True
                    self._store.shared.put_external_etcd(url, Known(endpoint, self._context.now(), plane.name))
                    await asyncio.sleep(self._context.timings.calm_round_s)
        except TimeoutError:
            failure = self._context.late(plane, f"etcd at {url}", self._context.timings.fact_s)
        except Exception as error:
            failure = self._context.failed(plane, f"etcd at {url}", error)
        return NOT_ASKED if answered else failure
