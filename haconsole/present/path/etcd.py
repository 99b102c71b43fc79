"""The API servers and etcd members of a path, and the edges between them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from haconsole.model import measures as m
from haconsole.model.component import Verdict, verdict
from haconsole.model.etcd_view import EtcdMemberView, EtcdView
from haconsole.model.haproxy_view import LOOPBACK
from haconsole.model.hosts import ApiserverFacts, HostFacts
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Cell, Tone
from haconsole.present.etcd import role_of, state_of, unlisted_state
from haconsole.present.facts import display_of
from haconsole.present.hosts import api_cell
from haconsole.present.path.request_path import EMPTY, EdgeState, Judgement, NodeId, PathEdge, PathNode, Stage
from haconsole.present.row_keys import ApiserverKey, HostKey, MemberKey
from haconsole.present.sparkline import figure_text

NOT_RUNNING = "the API server does not run"
NO_FLAG = "its --etcd-servers flag is not known"
NO_MEMBER = "its --etcd-servers flag names no member of etcd's member list"
ETCD_CHECK = "etcd"
"""The start of the names of /readyz' checks of etcd."""


def apiserver_node(facts: HostFacts) -> PathNode:
    note = EMPTY
    request, api = value_of(facts.apiserver_ms), value_of(facts.apiserver)
    if api is not None and request is not None:
        note = Cell(figure_text(m.API_REQUEST, request / 1000), Tone.MUTED)
    elif api is not None and api.version:
        note = Cell(api.version, Tone.MUTED)
    return PathNode(NodeId(Stage.API, facts.host), api_cell(facts), ApiserverKey(facts.host), note)


def member_nodes(snapshot: ClusterSnapshot, view: EtcdView) -> Iterator[PathNode]:
    """The members that etcd lists, then the hosts that should have one."""
    yield from (_member(snapshot, row) for row in view.members)
    yield from (_unlisted(snapshot, view, name) for name in view.unlisted)


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


def edges_to_etcd(facts: HostFacts, snapshot: ClusterSnapshot, view: EtcdView) -> Iterator[PathEdge]:
    """Edges to the members that the API server was started with; to all of them if these are not known."""
    start, api = NodeId(Stage.API, facts.host), display_of(facts.apiserver).value
    servers = api.etcd_servers if api else ()
    used = tuple(row for row in view.members if _is_used(row, facts, servers))
    for row in used:
        yield PathEdge(start, _member_id(row), *_etcd_edge(facts, snapshot, row))
    if used:
        return
    unknown = EdgeState.UNKNOWN, NO_MEMBER if servers else NO_FLAG
    state, note = (EdgeState.UNUSED, NOT_RUNNING) if _is_api_down(facts) else unknown
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
