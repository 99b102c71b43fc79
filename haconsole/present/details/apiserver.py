"""Details of an API server, and of the endpoint in front of the API servers."""

from __future__ import annotations

from datetime import datetime

from haconsole.model.haproxy_view import is_server_of
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.present.cells import NOTHING, Cell
from haconsole.present.detail import Detail, Fact, Heading, Item
from haconsole.present.details.common import known, observation
from haconsole.present.details.host import apiserver
from haconsole.present.haproxy import server_state, server_views
from haconsole.present.hosts import api_cell
from haconsole.present.vips import service_cell, vip_sentences


def about_apiserver(snapshot: ClusterSnapshot, host: HostName, now: datetime) -> Detail | None:
    """The API server's own report, its service, and the balancers' checks of it."""
    facts = snapshot.host(host)
    if facts is None:
        return None
    return Detail(
        f"API server on {host}",
        (
            Fact("state", api_cell(facts)),
            Fact("service", service_cell(facts.services, "kube-apiserver")),
            *observation(facts.apiserver, now),
            *known(facts.apiserver, apiserver),
            *_flags(facts),
            Heading("Time of a small request"),
            *_request(facts, now),
            *_checks(snapshot, facts),
        ),
    )


def _flags(facts: HostFacts) -> tuple[Item, ...]:
    flags = facts.apiserver.value.flags if isinstance(facts.apiserver, Known) else ()
    return (Heading("Flags"), *(Fact(name, Cell(value)) for name, value in flags)) if flags else ()


def _request(facts: HostFacts, now: datetime) -> tuple[Item, ...]:
    if isinstance(facts.apiserver_ms, NotAsked):
        return (Fact("request", NOTHING),)
    took = (
        (Fact("request", Cell(f"{facts.apiserver_ms.value:.0f} ms")),) if isinstance(facts.apiserver_ms, Known) else ()
    )
    return (*took, *observation(facts.apiserver_ms, now))


def _checks(snapshot: ClusterSnapshot, facts: HostFacts) -> tuple[Item, ...]:
    """The servers of the balancers that lead to this host."""
    views = [
        view
        for view in server_views(snapshot)
        if any(is_server_of(sight.server, facts, snapshot.vips) for sight in view.sights)
    ]
    items = tuple(Fact(f"{view.backend}/{view.name}", server_state(view)) for view in views)
    return (Heading("Checks of the balancers"), *items) if items else ()


def about_endpoint(snapshot: ClusterSnapshot, now: datetime) -> Detail:
    """The measured request through the endpoint, the VIPs, and the API servers behind them."""
    request = snapshot.endpoint_ms
    took = (Fact("request", Cell(f"{request.value:.0f} ms")),) if isinstance(request, Known) else ()
    via = (Fact("measured from", Cell(request.via or "?")),) if isinstance(request, Known) else ()
    vips = tuple(Fact(f"VIP {view.address}", vip_sentences(view)[-1]) for view in vip_views(snapshot))
    planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
    return Detail(
        "endpoint of the API",
        (
            *took,
            *via,
            *observation(request, now),
            *vips,
            Heading("API servers"),
            *(Fact(facts.host, api_cell(facts)) for facts in planes),
        ),
    )
