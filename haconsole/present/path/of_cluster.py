"""The path of a request, derived from a snapshot and the inventory: clients and the ways in, then all other stages."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.inventory.effective import endpoint
from haconsole.inventory.schema import Inventory
from haconsole.model import measures as m
from haconsole.model.endpoint_view import endpoint_view
from haconsole.model.etcd_view import etcd_view
from haconsole.model.haproxy_view import addresses_of
from haconsole.model.hosts import Role
from haconsole.model.observed import Failed, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip_view import vip_views
from haconsole.present.cells import Cell, Tone
from haconsole.present.path.balancers import Balancers
from haconsole.present.path.etcd import apiserver_node, edges_to_etcd, member_nodes
from haconsole.present.path.request_path import EdgeState, NodeId, PathEdge, PathNode, RequestPath, Stage
from haconsole.present.path.vips import edges_from_vip, vip_node
from haconsole.present.row_keys import EndpointKey
from haconsole.present.sparkline import figure_text

CLIENTS = NodeId(Stage.CLIENTS, "")
EXTERNAL = "outside"
NOT_MEASURED = "the request time through this address is not measured"
NOT_OBSERVED = "a balancer outside the inventory is not observed"


def request_path(snapshot: ClusterSnapshot, inventory: Inventory) -> RequestPath:
    """The stages that the inventory has, and what was observed of them."""
    vips, etcd = vip_views(snapshot), etcd_view(snapshot)
    planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
    ways, balancers = _WaysIn(snapshot, inventory), Balancers(snapshot, inventory, vips)
    others = tuple(balancers.unlisted_servers())
    nodes = (
        *ways.clients(),
        *(vip_node(snapshot, view) for view in vips),
        *balancers.nodes(),
        *ways.external(),
        *(apiserver_node(facts) for facts in planes),
        *(node for node, _ in others),
        *member_nodes(snapshot, etcd),
    )
    edges = (
        *ways.from_clients(),
        *(edge for view in vips for edge in edges_from_vip(snapshot, view)),
        *balancers.edges(),
        *(edge for _, edges in others for edge in edges),
        *ways.from_external(),
        *(edge for facts in planes for edge in edges_to_etcd(facts, snapshot, etcd)),
    )
    return RequestPath(nodes, edges)


class _WaysIn:
    """The clients, and where their requests enter the cluster."""

    def __init__(self, snapshot: ClusterSnapshot, inventory: Inventory) -> None:
        self._snapshot = snapshot
        self._vips = vip_views(snapshot)
        self._balancers = tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
        self._planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
        self._endpoint = endpoint(inventory)

    def clients(self) -> tuple[PathNode, ...]:
        if not (self._planes or self._balancers):
            return ()
        where = "endpoint not in the inventory"
        if self._endpoint is not None:
            address, port = self._endpoint
            where = f"port {port}" if address in {view.address for view in self._vips} else f"{address}:{port}"
        request = self._snapshot.endpoint_ms
        return (PathNode(CLIENTS, _request_cell(request), EndpointKey(), Cell(where, Tone.MUTED)),)

    def from_clients(self) -> Iterator[PathEdge]:
        """Requests are measured through the endpoint; other ways in are not."""
        if not self.clients():
            return
        request = self._snapshot.endpoint_ms
        state, note = _request_state(request), _request_note(request)
        seconds = request.value / 1000 if isinstance(request, Known) else None
        entries = self._entries()
        yield from (PathEdge(CLIENTS, entry, state, note, seconds) for entry in entries)
        for view in self._vips:
            entry = NodeId(Stage.VIP, view.address)
            if entry not in entries:
                yield PathEdge(CLIENTS, entry, EdgeState.UNKNOWN, NOT_MEASURED)

    def _entries(self) -> tuple[NodeId, ...]:
        """Where the endpoint's requests enter: the node with its address, else the only one that there can be."""
        address = self._endpoint[0] if self._endpoint else ""
        known = (
            *(NodeId(Stage.VIP, view.address) for view in self._vips if view.address == address),
            *(NodeId(Stage.BALANCER, facts.host) for facts in self._balancers if address in addresses_of(facts)),
            *(NodeId(Stage.API, facts.host) for facts in self._planes if address in addresses_of(facts)),
        )
        if known:
            return known[:1]
        if len(self._vips) == 1:
            return (NodeId(Stage.VIP, self._vips[0].address),)
        return tuple(node.id for node in self.external())

    def external(self) -> tuple[PathNode, ...]:
        """A balancer outside the inventory, if the endpoint is neither a VIP nor a host."""
        is_known = any(self._endpoint[0] in addresses_of(facts) for facts in self._planes) if self._endpoint else True
        if self._vips or self._balancers or is_known or self._endpoint is None:
            return ()
        view = endpoint_view(self._snapshot)
        answers = view is not None and bool(view.answering or view.unrecognised)
        state = Cell("● answers", Tone.GOOD) if answers else Cell("? not observed", Tone.UNKNOWN)
        return (PathNode(NodeId(Stage.BALANCER, EXTERNAL), state, EndpointKey(), Cell(self._endpoint[0], Tone.MUTED)),)

    def from_external(self) -> Iterator[PathEdge]:
        """The balancer itself is not observed, only the certificates of the API servers that answer behind it."""
        view = endpoint_view(self._snapshot)
        for node in self.external():
            for facts in self._planes:
                answers = view is not None and facts.host in view.answering
                state = EdgeState.WORKS if answers else EdgeState.UNKNOWN
                note = "the endpoint presented this API server's certificate" if answers else NOT_OBSERVED
                yield PathEdge(node.id, NodeId(Stage.API, facts.host), state, note)


def _request_state(request: Observed[float]) -> EdgeState:
    match request:
        case Known():
            return EdgeState.WORKS
        case Failed(asked_from=asked_from) if asked_from:
            return EdgeState.BROKEN
        case _:
            return EdgeState.UNKNOWN


def _request_cell(request: Observed[float]) -> Cell:
    if isinstance(request, Known):
        return Cell(f"● {figure_text(m.ENDPOINT, request.value / 1000)}", Tone.GOOD)
    is_broken = _request_state(request) is EdgeState.BROKEN
    return Cell("✖ no answer", Tone.CRITICAL) if is_broken else Cell("? not measured", Tone.UNKNOWN)


def _request_note(request: Observed[float]) -> str:
    match request:
        case Known(via=via):
            return f"measured from {via}" if via else "measured"
        case Failed(reason=reason):
            return reason
        case _:
            return "no request was measured yet"
