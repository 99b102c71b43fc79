"""Steps that remove an API server from the balancers and return it."""

from __future__ import annotations

from haconsole.actions.balancing import Servers
from haconsole.actions.build import step_id
from haconsole.actions.checks import AnyOf, Check, ServerIs
from haconsole.actions.operations import LeftByUndo, SetServerState, UndoByCommand
from haconsole.actions.step import Step
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName

DRAIN_WHY = (
    "Balancers send no new connections to the API server. The API server stops only after its open connections have "
    "ended."
)
READY_WHY = "The API server reports ready, so the balancers may send it connections again."


def drain_step(
    host: str,
    servers: Servers,
    *,
    phase: str,
    unless: tuple[Check, ...] = (),
    leaves: bool = False,
    stays: bool = False,
) -> Step:
    """Take the API server on `host` out of every balancer; skipped if all of `unless` already hold.

    If nothing happens to it that requires it to stay drained, it `stays`: undoing this readies it.

    If the host `leaves`, perhaps already gone, the step runs on the first balancer instead.
    """
    first = servers.balancers[0]
    drained = _is(servers, AdminState.DRAIN, may_lack=leaves)
    readied = UndoByCommand(_set(servers, AdminState.READY), (_is(servers, AdminState.READY),))
    return Step(
        id=step_id(f"haproxy.drain-{host}", first) if leaves else step_id("haproxy.drain", host),
        title=f"Drain {host}'s API server",
        why=DRAIN_WHY,
        host=first if leaves else HostName(host),
        operation=_set(servers, AdminState.DRAIN, may_lack=leaves),
        verification=(AnyOf(((drained,), unless)) if unless else drained,),
        undo=readied if stays else LeftByUndo(f"to return the API server: run the action ready {host}"),
        phase=phase,
    )


def ready_step(host: str, servers: Servers, *, phase: str, drained: bool = False) -> Step:
    """Return the API server on `host` to every balancer; undoing this drains it, if it was `drained`."""
    drain = UndoByCommand(_set(servers, AdminState.DRAIN), (_is(servers, AdminState.DRAIN),))
    return Step(
        id=step_id("haproxy.ready", host),
        title=f"Return {host}'s API server to the balancers",
        why=READY_WHY,
        host=HostName(host),
        operation=_set(servers, AdminState.READY),
        verification=(_is(servers, AdminState.READY),),
        undo=drain if drained else LeftByUndo(f"to drain the API server: run drain {host}"),
        phase=phase,
    )


def _set(servers: Servers, state: AdminState, *, may_lack: bool = False) -> SetServerState:
    return SetServerState(servers.backend, servers.server, state, servers.balancers, servers.addresses, may_lack)


def _is(servers: Servers, state: AdminState, *, may_lack: bool = False) -> ServerIs:
    return ServerIs(servers.backend, servers.server, state, servers.balancers, servers.addresses, may_lack)
