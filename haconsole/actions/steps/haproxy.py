"""Steps that take an API server out of the balancers and bring it back."""

from __future__ import annotations

from haconsole.actions.build import step_id
from haconsole.actions.checks import AnyOf, Check, ServerIs
from haconsole.actions.operations import Irreversible, SetServerState, TakeBack
from haconsole.actions.step import Step
from haconsole.model.haproxy import AdminState
from haconsole.model.names import HostName

DRAIN_WHY = "Balancers send it no new connection from here on, and those under way end before it is stopped."
READY_WHY = "It is ready by its own word, so the balancers may send it connections again."


def drain_step(
    host: str,
    backend: str,
    balancers: tuple[HostName, ...],
    *,
    phase: str,
    unless: tuple[Check, ...] = (),
    leaves: bool = False,
    stays: bool = False,
) -> Step:
    """Take the API server on `host` out of every balancer; nothing to do where all of `unless` holds there already.

    Where nothing happens to it that readying it would come too early for, it `stays`: taking this back readies it.

    Where the host `leaves`, perhaps being gone already, the step is told of the first balancer instead.
    """
    drained = ServerIs(backend, host, AdminState.DRAIN, balancers)
    readied = TakeBack(
        SetServerState(backend, host, AdminState.READY, balancers),
        (ServerIs(backend, host, AdminState.READY, balancers),),
    )
    return Step(
        id=step_id(f"haproxy.drain-{host}", balancers[0]) if leaves else step_id("haproxy.drain", host),
        title=f"Drain {host}'s API server",
        why=DRAIN_WHY,
        host=balancers[0] if leaves else HostName(host),
        operation=SetServerState(backend, host, AdminState.DRAIN, balancers),
        verification=(AnyOf(((drained,), unless)) if unless else drained,),
        undo=readied if stays else Irreversible(f"bring it back with: run ready {host}"),
        phase=phase,
    )


def ready_step(host: str, backend: str, balancers: tuple[HostName, ...], *, phase: str, drained: bool = False) -> Step:
    """Have every balancer use the API server on `host` again; taking this back drains it, if it was `drained`."""
    drain = TakeBack(
        SetServerState(backend, host, AdminState.DRAIN, balancers),
        (ServerIs(backend, host, AdminState.DRAIN, balancers),),
    )
    return Step(
        id=step_id("haproxy.ready", host),
        title=f"Let the balancers use {host}'s API server again",
        why=READY_WHY,
        host=HostName(host),
        operation=SetServerState(backend, host, AdminState.READY, balancers),
        verification=(ServerIs(backend, host, AdminState.READY, balancers),),
        undo=drain if drained else Irreversible(f"take it out with: run drain {host}"),
        phase=phase,
    )
