"""Checks that are about the cluster rather than about a host's files and units."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from haconsole.actions.checks import ApiserverReady, BackendsUp, EtcdHealthy, LeaseHeld, VipAnswers, VipOwned
from haconsole.model.names import HostName

ClusterCheck: TypeAlias = EtcdHealthy | ApiserverReady | BackendsUp | VipOwned | VipAnswers | LeaseHeld


class ClusterQuestions(Protocol):
    """Asks etcd, the API, haproxy and the hosts' addresses."""

    async def problems(self, check: ClusterCheck, host: HostName) -> tuple[str, ...]:
        """Why `check`, of a step on `host`, does not hold; raises TransportError when a host cannot be asked."""
        ...
