"""The path of a request, derived from a snapshot and the inventory."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from haconsole.inventory.effective import endpoint
from haconsole.inventory.schema import Inventory
from haconsole.model import measures as m
from haconsole.model.component import Verdict, verdict
from haconsole.model.endpoint_view import endpoint_view
from haconsole.model.etcd_view import EtcdMemberView, EtcdView, etcd_view
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyServer
from haconsole.model.haproxy_view import LOOPBACK, addresses_of, is_server_of
from haconsole.model.hosts import ApiserverFacts, HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, NotAsked, Observed, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipState, VipView, VrrpState
from haconsole.model.vip_view import is_leased, possible_holders, vip_views
from haconsole.present.ages import span
from haconsole.present.cells import Cell, Tone
from haconsole.present.etcd import role_of, state_of, unlisted_state
from haconsole.present.facts import display_of
from haconsole.present.haproxy import silent_state
from haconsole.present.hosts import api_cell
from haconsole.present.request_path import EMPTY, EdgeState, NodeId, PathEdge, PathNode, RequestPath, Stage
from haconsole.present.row_keys import ApiserverKey, BalancerKey, EndpointKey, HostKey, MemberKey, ServerKey, VipKey
from haconsole.present.sparkline import figure_text

CLIENTS = NodeId(Stage.CLIENTS, "")
EXTERNAL = "outside"
NOT_RUNNING = "the API server does not run"
ETCD_CHECK = "etcd"
"""The start of the names of /readyz' checks of etcd."""


def request_path(snapshot: ClusterSnapshot, inventory: Inventory) -> RequestPath:
    """The stages that the inventory has, and what was observed of them."""
    return _Path(snapshot, inventory).path()


class _Path:
    """Collects nodes and edges of one snapshot."""

    def __init__(self, snapshot: ClusterSnapshot, inventory: Inventory) -> None:
        self._snapshot = snapshot
        self._inventory = inventory
        self._vips = vip_views(snapshot)
        self._balancers = tuple(facts for facts in snapshot.hosts if facts.has(Role.LOAD_BALANCER))
        self._planes = tuple(facts for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE))
        self._etcd = etcd_view(snapshot)
        self._endpoint = endpoint(inventory)

    def path(self) -> RequestPath:
        others = tuple(self._unlisted_servers())
        nodes = (
            *self._clients(),
            *(self._vip(view) for view in self._vips),
            *(self._balancer(facts) for facts in self._balancers),
            *self._external(),
            *(_apiserver(facts) for facts in self._planes),
            *(node for node, _ in others),
            *(_member(self._snapshot, row) for row in self._etcd.members),
            *(_unlisted(self._snapshot, self._etcd, name) for name in self._etcd.unlisted),
        )
        edges = (
            *self._from_clients(),
            *(edge for view in self._vips for edge in self._from_vip(view)),
            *(edge for facts in self._balancers for edge in self._from_balancer(facts)),
            *(edge for _, edges in others for edge in edges),
            *self._from_external(),
            *(edge for facts in self._planes for edge in _to_etcd(facts, self._snapshot, self._etcd)),
        )
        return RequestPath(nodes, edges)

    def _clients(self) -> tuple[PathNode, ...]:
        if not (self._planes or self._balancers):
            return ()
        where = "endpoint not in the inventory"
        if self._endpoint is not None:
            address, port = self._endpoint
            where = f"port {port}" if address in {view.address for view in self._vips} else f"{address}:{port}"
        request = self._snapshot.endpoint_ms
        return (PathNode(CLIENTS, _request_cell(request), EndpointKey(), Cell(where, Tone.MUTED)),)

    def _from_clients(self) -> Iterator[PathEdge]:
        """Requests are measured through the endpoint; other ways in are not."""
        if not self._clients():
            return
        request = self._snapshot.endpoint_ms
        state, note = _request_state(request), _request_note(request)
        used = self._entries()
        for entry in used:
            seconds = request.value / 1000 if isinstance(request, Known) else None
            yield PathEdge(CLIENTS, entry, state, note, seconds)
        for view in self._vips:
            entry = NodeId(Stage.VIP, view.address)
            if entry not in used:
                yield PathEdge(
                    CLIENTS, entry, EdgeState.UNKNOWN, "the request time through this address is not measured"
                )

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
        return tuple(node.id for node in self._external())

    def _external(self) -> tuple[PathNode, ...]:
        """A balancer outside the inventory, if the endpoint is neither a VIP nor a host."""
        is_known = any(self._endpoint[0] in addresses_of(facts) for facts in self._planes) if self._endpoint else True
        if self._vips or self._balancers or is_known or self._endpoint is None:
            return ()
        view = endpoint_view(self._snapshot)
        answers = view is not None and bool(view.answering or view.unrecognised)
        state = Cell("● answers", Tone.GOOD) if answers else Cell("? not observed", Tone.UNKNOWN)
        return (PathNode(NodeId(Stage.BALANCER, EXTERNAL), state, EndpointKey(), Cell(self._endpoint[0], Tone.MUTED)),)

    def _from_external(self) -> Iterator[PathEdge]:
        """The balancer itself is not observed, only the certificates of the API servers that answer behind it."""
        view = endpoint_view(self._snapshot)
        for node in self._external():
            for facts in self._planes:
                end = NodeId(Stage.API, facts.host)
                if view is not None and facts.host in view.answering:
                    yield PathEdge(
                        node.id, end, EdgeState.WORKS, "the endpoint presented this API server's certificate"
                    )
                else:
                    yield PathEdge(node.id, end, EdgeState.UNKNOWN, "a balancer outside the inventory is not observed")

    def _vip(self, view: VipView) -> PathNode:
        state = _vip_state(view)
        hosts = (*view.owners, *(facts.host for facts in possible_holders(self._snapshot, view.address)))
        key = VipKey(view.address, hosts[0]) if hosts else None
        return PathNode(NodeId(Stage.VIP, view.address), state, key)

    def _from_vip(self, view: VipView) -> Iterator[PathEdge]:
        """To the hosts that can hold the address: balancers, or API servers themselves with kube-vip."""
        stage = Stage.API if is_leased(self._snapshot, view.address) else Stage.BALANCER
        for facts in possible_holders(self._snapshot, view.address):
            state, note = _ownership(view, facts)
            yield PathEdge(NodeId(Stage.VIP, view.address), NodeId(stage, facts.host), state, note)

    def _balancer(self, facts: HostFacts) -> PathNode:
        owned = [view for view in self._vips if facts.host in view.owners]
        role = Cell("◆ owner", Tone.ACCENT) if owned else Cell("● standby" if self._vips else "● runs", Tone.GOOD)
        if isinstance(facts.haproxy, Known):
            state, sessions = role, sum(server.sessions for server in _servers(facts))
            note = Cell(f"{sessions} sessions", Tone.MUTED)
        else:
            state, note = silent_state(facts), Cell("owner" if owned else "", Tone.MUTED)
        problem = _keepalived_problem(facts) if self._vips else ""
        if problem:
            note = Cell(f"▲ {problem}", Tone.WARNING)
        return PathNode(NodeId(Stage.BALANCER, facts.host), state, BalancerKey(facts.host), note)

    def _from_balancer(self, facts: HostFacts) -> Iterator[PathEdge]:
        start = NodeId(Stage.BALANCER, facts.host)
        for plane in self._planes:
            yield PathEdge(start, NodeId(Stage.API, plane.host), *self._check(facts, plane))

    def _check(self, facts: HostFacts, plane: HostFacts) -> Judgement:
        """The balancer's own check of the API server."""
        if isinstance(facts.haproxy, NotAsked):
            return EdgeState.UNKNOWN, "haproxy was not queried yet"
        if _is_down(facts):
            return EdgeState.BROKEN, "haproxy does not run"
        display = display_of(facts.haproxy)
        if display.value is None:
            return EdgeState.UNKNOWN, "haproxy gives no answer"
        checks = tuple(_server_check(server) for server in _servers(facts) if self._is_at(server, plane))
        state, note = max(checks, key=lambda each: _RANK[each[0]], default=_NO_SERVER)
        return (EdgeState.UNKNOWN, f"haproxy gives no answer; last known: {note}") if display.stale else (state, note)

    def _is_at(self, server: HaproxyServer, plane: HostFacts) -> bool:
        kubernetes = self._inventory.kubernetes
        if kubernetes is not None and not server.address.endswith(f":{kubernetes.api_port}"):
            return False
        return is_server_of(server, plane, self._snapshot.vips)

    def _unlisted_servers(self) -> Iterator[tuple[PathNode, tuple[PathEdge, ...]]]:
        """Servers in the API's backends that are on no host of the inventory."""
        by_id: dict[NodeId, tuple[PathNode, list[PathEdge]]] = {}
        for facts in self._balancers:
            stale = display_of(facts.haproxy).stale
            for backend, server in self._strangers(facts):
                node_id = NodeId(Stage.API, server.name)
                state, note = _server_check(server)
                node = PathNode(
                    node_id,
                    Cell("? not in the inventory", Tone.UNKNOWN),
                    ServerKey(backend.name, server.name),
                    Cell(server.address, Tone.MUTED),
                )
                edge = PathEdge(
                    NodeId(Stage.BALANCER, facts.host), node_id, EdgeState.UNKNOWN if stale else state, note
                )
                by_id.setdefault(node_id, (node, []))[1].append(edge)
        yield from ((node, tuple(edges)) for node, edges in by_id.values())

    def _strangers(self, facts: HostFacts) -> Iterator[tuple[HaproxyBackend, HaproxyServer]]:
        haproxy = display_of(facts.haproxy).value
        for backend in haproxy.backends if haproxy else ():
            known = [server for server in backend.servers if any(self._is_at(server, each) for each in self._planes)]
            if known:
                yield from ((backend, server) for server in backend.servers if server not in known and server.address)


Judgement = tuple[EdgeState, str]
"""The state of an edge, and why."""
_NO_SERVER: Judgement = EdgeState.BROKEN, "haproxy has no server for this host"
_RANK = {EdgeState.WORKS: 0, EdgeState.UNUSED: 1, EdgeState.UNKNOWN: 2, EdgeState.BROKEN: 3}


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


def _is_down(facts: HostFacts) -> bool:
    """haproxy is known not to run."""
    is_reached = not isinstance(facts.reach, Failed)
    return is_reached and verdict(facts, "haproxy", facts.haproxy) is Verdict.DOWN


def _servers(facts: HostFacts) -> tuple[HaproxyServer, ...]:
    """The servers on a balancer, remembered if it gives no answer."""
    haproxy = display_of(facts.haproxy).value
    return tuple(server for backend in haproxy.backends for server in backend.servers) if haproxy else ()


def _server_check(server: HaproxyServer) -> Judgement:
    """The check of a server, as text."""
    if server.admin_state in (AdminState.DRAIN, AdminState.MAINT):
        return EdgeState.UNUSED, f"set to {server.admin_state}"
    check = " ".join(part for part in (server.check, server.check_detail) if part)
    if server.status.startswith("no check"):
        return EdgeState.UNKNOWN, "haproxy does not check this server"
    if server.up:
        return EdgeState.WORKS, f"{server.status} {check}".rstrip()
    return EdgeState.BROKEN, f"{server.status} {check}".rstrip() + f", for {span(server.last_change_s)}"


def _vip_state(view: VipView) -> Cell:
    match view.state:
        case VipState.OWNED:
            return Cell(f"● on {view.owners[0]}", Tone.GOOD)
        case VipState.SPLIT:
            return Cell(f"✖ SPLIT: {', '.join(view.owners)}", Tone.CRITICAL)
        case VipState.UNOWNED:
            return Cell("✖ UNOWNED", Tone.CRITICAL)
        case VipState.UNKNOWN:
            return Cell("? owner unknown", Tone.UNKNOWN)


def _ownership(view: VipView, facts: HostFacts) -> Judgement:
    """The edge from a VIP to a balancer."""
    had = display_of(facts.addresses)
    if facts.host in view.unheard:
        mine = had.value is not None and any(entry.address == view.address for entry in had.value)
        return EdgeState.UNKNOWN, "had the address when last read; cannot be read now" if mine else "cannot be read now"
    if facts.host not in view.owners:
        unowned = view.state is VipState.UNOWNED
        return (EdgeState.BROKEN, "does not have the VIP's address") if unowned else (EdgeState.UNUSED, "standby")
    match view.state:
        case VipState.SPLIT:
            others = len(view.owners) - 1
            also = "another host too" if others == 1 else f"{others} other hosts too"
            return EdgeState.BROKEN, f"has the address, {also}"
        case VipState.UNKNOWN:
            return EdgeState.UNKNOWN, "has the address, another host too; not confirmed yet"
        case _:
            return EdgeState.WORKS, "has the address"


def _keepalived_problem(facts: HostFacts) -> str:
    """Why a balancer could not take a VIP over, as far as keepalived itself is concerned."""
    unit, keepalived = facts.service("keepalived"), value_of(facts.keepalived)
    if unit is not None and not unit.running:
        return "keepalived down"
    if keepalived is not None and keepalived.forced_down:
        return "held down"
    if keepalived is not None and any(each.state is VrrpState.FAULT for each in keepalived.instances):
        return "VRRP FAULT"
    return ""


def _apiserver(facts: HostFacts) -> PathNode:
    note = EMPTY
    request, api = value_of(facts.apiserver_ms), value_of(facts.apiserver)
    if api is not None and request is not None:
        note = Cell(figure_text(m.API_REQUEST, request / 1000), Tone.MUTED)
    elif api is not None and api.version:
        note = Cell(api.version, Tone.MUTED)
    return PathNode(NodeId(Stage.API, facts.host), api_cell(facts), ApiserverKey(facts.host), note)


def _member_id(row: EtcdMemberView) -> NodeId:
    return NodeId(Stage.ETCD, row.member.name or row.host or f"({row.member.id})")


def _member(snapshot: ClusterSnapshot, row: EtcdMemberView) -> PathNode:
    state, role = state_of(snapshot, row), role_of(row)
    note = role if row.endpoint is not None else Cell("", Tone.MUTED)
    return PathNode(_member_id(row), state, MemberKey(row.member.id), note)


def _unlisted(snapshot: ClusterSnapshot, view: EtcdView, name: HostName) -> PathNode:
    """A host that should have a member; a member of that name may be listed elsewhere."""
    is_taken = any(row.member.name == name for row in view.members)
    node_id = NodeId(Stage.ETCD, f"host {name}" if is_taken else name)
    return PathNode(
        node_id,
        unlisted_state(snapshot.host(name)),
        HostKey(name),
        Cell("not listed" if view.members else "", Tone.MUTED),
    )


def _to_etcd(facts: HostFacts, snapshot: ClusterSnapshot, view: EtcdView) -> Iterator[PathEdge]:
    """Edges to the members that the API server was started with; to all of them if these are not known."""
    start, api = NodeId(Stage.API, facts.host), display_of(facts.apiserver).value
    servers = api.etcd_servers if api else ()
    used = tuple(row for row in view.members if _is_used(row, facts, servers))
    for row in used:
        yield PathEdge(start, _member_id(row), *_etcd_edge(facts, snapshot, row))
    if used:
        return
    note = (
        "its --etcd-servers flag names no member of etcd's member list"
        if servers
        else "its --etcd-servers flag is not known"
    )
    state, note = (EdgeState.UNUSED, NOT_RUNNING) if _is_api_down(facts) else (EdgeState.UNKNOWN, note)
    ends = [_member_id(row) for row in view.members] or [NodeId(Stage.ETCD, name) for name in view.unlisted]
    yield from (PathEdge(start, end, state, note) for end in ends)


def _is_used(row: EtcdMemberView, facts: HostFacts, servers: tuple[str, ...]) -> bool:
    own = {urlsplit(url).hostname for url in row.member.client_urls} | ({row.host} if row.host else set())
    hosts = {urlsplit(url).hostname for url in servers}
    is_local = bool(hosts & {*LOOPBACK}) and row.host == facts.host
    return bool(set(servers) & set(row.member.client_urls)) or bool(own & hosts - {*LOOPBACK}) or is_local


def _etcd_edge(facts: HostFacts, snapshot: ClusterSnapshot, row: EtcdMemberView) -> Judgement:
    api, state = facts.apiserver, state_of(snapshot, row)
    if _is_api_down(facts):
        return EdgeState.UNUSED, NOT_RUNNING
    if not isinstance(api, Known):
        return EdgeState.UNKNOWN, "the API server gives no answer"
    if state.tone is Tone.UNKNOWN:
        return EdgeState.UNKNOWN, "the member gives no answer"
    if not row.healthy:
        return EdgeState.BROKEN, f"etcd: {state.text[2:]}"
    failing = _failing_etcd(api.value)
    if failing:
        return EdgeState.BROKEN, f"/readyz of the API server: {failing} failed"
    return EdgeState.WORKS, "both answer"


def _is_api_down(facts: HostFacts) -> bool:
    is_reached = not isinstance(facts.reach, Failed)
    return is_reached and verdict(facts, "kube-apiserver", facts.apiserver) is Verdict.DOWN


def _failing_etcd(api: ApiserverFacts) -> str:
    return next((name for name in api.failing if name.startswith(ETCD_CHECK)), "")
