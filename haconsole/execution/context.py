"""The values that performers and checks share: cluster, host state, clock, run folder, CA keys."""

from __future__ import annotations

import msgspec

from haconsole.execution.clock import Clock
from haconsole.execution.host.host_state import HostStateReader
from haconsole.execution.pki.ca_keys import OperatorKeys
from haconsole.probes.context import ClusterContext


class ExecutionContext(msgspec.Struct, frozen=True):
    """The cluster, which probes use too, with everything else that a run needs."""

    cluster: ClusterContext
    host_state: HostStateReader
    clock: Clock
    run_dir: str
    """Folder on the hosts for commands that run detached; a restart of the host empties it."""
    ca_keys: OperatorKeys | None = None
