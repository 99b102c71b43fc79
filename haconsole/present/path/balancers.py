"""The balancers of a path, and what their checks report of the API servers."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from haconsole.inventory.schema import Inventory
from haconsole.model.component import Verdict, verdict
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyServer
from haconsole.model.haproxy_view import is_server_of
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.observed import Failed, Known, NotAsked, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.vip import VipView, VrrpState
from haconsole.present.ages import span
from haconsole.present.cells import Cell, Tone
from haconsole.present.facts import display_of
from haconsole.present.haproxy import silent_state
from haconsole.present.path.request_path import EdgeState, Judgement, NodeId, PathEdge, PathNode, Stage
from haconsole.present.row_keys import BalancerKey, ServerKey

_NO_SERVER: Judgement = EdgeState.BROKEN, "haproxy has no server for this host"
_RANK = {EdgeState.WORKS: 0, EdgeState.UNUSED: 1, EdgeState.UNKNOWN: 2, EdgeState.BROKEN: 3}


class Balancers(msgspec.Struct, frozen=True):
    """The hosts with the role load-balancer, in a snapshot with these VIPs."""

    snapshot: ClusterSnapshot
    inventory: Inventory
    vips: tuple[VipView, ...]

    @property
    def _balancers(self) -> tuple[HostFacts, ...]:
        return tuple(facts for facts in self.snapshot.hosts if facts.has(Role.LOAD_BALANCER))

    @property
    def _planes(self) -> tuple[HostFacts, ...]:
        return tuple(facts for facts in self.snapshot.hosts if facts.has(Role.CONTROL_PLANE))

    def nodes(self) -> Iterator[PathNode]:
        yield from map(self._node, self._balancers)

    def edges(self) -> Iterator[PathEdge]:
        """To every API server, by the balancer's own check of it."""
        for facts in self._balancers:
            for plane in self._planes:
                start, end = NodeId(Stage.BALANCER, facts.host), NodeId(Stage.API, plane.host)
                yield PathEdge(start, end, *self._check(facts, plane))

    def _node(self, facts: HostFacts) -> PathNode:
        owned = [view for view in self.vips if facts.host in view.owners]
        role = Cell("◆ owner", Tone.ACCENT) if owned else Cell("● standby" if self.vips else "● runs", Tone.GOOD)
        if isinstance(facts.haproxy, Known):
            state, sessions = role, sum(server.sessions for server in _servers(facts))
            note = Cell(f"{sessions} sessions", Tone.MUTED)
        else:
            state, note = silent_state(facts), Cell("owner" if owned else "", Tone.MUTED)
        problem = _keepalived_problem(facts) if self.vips else ""
        if problem:
            note = Cell(f"▲ {problem}", Tone.WARNING)
        return PathNode(NodeId(Stage.BALANCER, facts.host), state, BalancerKey(facts.host), note)

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
        kubernetes = self.inventory.kubernetes
        if kubernetes is not None and not server.address.endswith(f":{kubernetes.api_port}"):
            return False
        return is_server_of(server, plane, self.snapshot.vips)

    def unlisted_servers(self) -> Iterator[tuple[PathNode, tuple[PathEdge, ...]]]:
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
