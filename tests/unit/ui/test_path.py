"""The path of a request: what is an edge and in which state, the drawing, the screen with its keys, and the verb."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from haconsole.cli.reports.encoding import encoded
from haconsole.cli.reports.path import path_report, path_text
from haconsole.inventory.schema import Host, Inventory, Kubernetes, VirtualIp
from haconsole.model.haproxy import AdminState, HaproxyFacts, HaproxyServer
from haconsole.model.hosts import HostFacts, InterfaceAddress, Role
from haconsole.model.names import HostName, Vip
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.ascii import ascii_text
from haconsole.present.cells import text_of
from haconsole.present.path.drawing import Sketch, drawing, grouped
from haconsole.present.path.of_cluster import request_path
from haconsole.present.path.request_path import EdgeState, NodeId, PathEdge, RequestPath, Stage
from haconsole.present.path.window import PathPicture, PathWindow
from tests.fakes import kube_vip
from tests.fakes.cluster import INVENTORY, NOW, VIP, changed, endpoint, etcd_silent, healthy, server, units, unreachable
from tests.fakes.endpoint import behind_endpoint
from tests.fakes.path import on_path
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text
from tests.unit.ui.test_app import console, running
from tests.unit.ui.test_guided import shows

CLIENTS = NodeId(Stage.CLIENTS, "")
THE_VIP = NodeId(Stage.VIP, VIP)


def lb(n: int) -> NodeId:
    return NodeId(Stage.BALANCER, f"cp{n}")


def api(n: int) -> NodeId:
    return NodeId(Stage.API, f"cp{n}")


def etcd(n: int) -> NodeId:
    return NodeId(Stage.ETCD, f"cp{n}")


def path(snapshot: ClusterSnapshot, inventory: Inventory = INVENTORY) -> RequestPath:
    return request_path(snapshot, inventory)


def edge(way: RequestPath, start: NodeId, end: NodeId) -> PathEdge:
    (edge,) = (each for each in way.edges if (each.start, each.end) == (start, end))
    return edge


def state(way: RequestPath, start: NodeId, end: NodeId) -> EdgeState:
    return edge(way, start, end).state


def with_server(n: int, changed_server: HaproxyServer) -> Callable[[HostFacts], HostFacts]:
    """The balancer sees server `n` as given."""

    def change(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.haproxy, Known)
        (backend,) = facts.haproxy.value.backends
        servers = tuple(changed_server if each.name == f"cp{n}" else each for each in backend.servers)
        value = replace(facts.haproxy.value, backends=(replace(backend, servers=servers),))
        return replace(facts, haproxy=Known(value, NOW))

    return change


def test_a_healthy_cluster_has_every_edge_and_none_is_broken_or_unknown() -> None:
    way = path(on_path(healthy()))
    assert len(way.nodes) == 11
    assert len(way.edges) == 1 + 3 + 9 + 9
    assert way.in_state(EdgeState.BROKEN, EdgeState.UNKNOWN) == ()
    assert state(way, THE_VIP, lb(1)) is EdgeState.WORKS
    assert state(way, THE_VIP, lb(2)) is EdgeState.UNUSED
    assert edge(way, CLIENTS, THE_VIP).seconds == pytest.approx(0.0043)
    assert way.summary.text == "● 22 hops, none broken"


def test_what_was_never_read_is_unknown() -> None:
    way = path(healthy())
    assert state(way, CLIENTS, THE_VIP) is EdgeState.UNKNOWN
    assert all(each.state is EdgeState.UNKNOWN for each in way.edges if each.start.stage is Stage.API)
    nothing = tuple(HostFacts(facts.host, facts.address, facts.roles) for facts in healthy().hosts)
    way = path(replace(healthy(), hosts=nothing))
    assert way.in_state(EdgeState.WORKS, EdgeState.BROKEN) == ()
    assert all(node.state.text.startswith("?") for node in way.nodes)


def test_each_balancer_has_its_own_check_of_each_api_server() -> None:
    way = path(changed(on_path(healthy()), 2, with_server(3, server(3, "DOWN", "L4CON"))))
    assert {each.start for each in way.in_state(EdgeState.BROKEN)} == {lb(2)}
    fault = edge(way, lb(2), api(3))
    assert fault.note == "DOWN L4CON, for 2m"
    assert state(way, lb(1), api(3)) is EdgeState.WORKS


def test_a_drained_server_is_unused_and_an_unchecked_one_unknown() -> None:
    drained = replace(server(3), admin_state=AdminState.DRAIN, status="DRAIN")
    assert state(path(changed(on_path(healthy()), 2, with_server(3, drained))), lb(2), api(3)) is EdgeState.UNUSED
    way = path(changed(on_path(healthy()), 2, with_server(3, server(3, "no check", ""))))
    assert state(way, lb(2), api(3)) is EdgeState.UNKNOWN


def test_a_balancer_without_a_server_for_an_api_server_does_not_reach_it() -> None:
    other = replace(server(3), address="10.99.0.99:6443", name="old")
    way = path(changed(on_path(healthy()), 2, with_server(3, other)))
    assert edge(way, lb(2), api(3)).note == "haproxy has no server for this host"
    stranger = NodeId(Stage.API, "old")
    assert state(way, lb(2), stranger) is EdgeState.WORKS
    assert next(node for node in way.nodes if node.id == stranger).state.text == "? not in the inventory"


def test_haproxy_that_does_not_run_breaks_its_edges_and_one_that_was_not_read_does_not() -> None:
    def stopped(facts: HostFacts) -> HostFacts:
        failed: Failed[HaproxyFacts] = Failed("no socket", NOW, Cause.NOT_RUNNING)
        return replace(facts, haproxy=failed, services=Known(units(haproxy="failed"), NOW))

    way = path(changed(on_path(healthy()), 1, stopped))
    assert {state(way, lb(1), api(n)) for n in (1, 2, 3)} == {EdgeState.BROKEN}
    way = path(changed(on_path(healthy()), 1, unreachable))
    assert {state(way, lb(1), api(n)) for n in (1, 2, 3)} == {EdgeState.UNKNOWN}
    assert edge(way, lb(1), api(2)).note == "haproxy gives no answer; last known: UP L7OK"
    assert state(way, THE_VIP, lb(1)) is EdgeState.UNKNOWN


def held_by(*hosts: int) -> ClusterSnapshot:
    snapshot = on_path(healthy())
    for n in (1, 2, 3):
        own = (InterfaceAddress("eth0", f"10.99.0.1{n}", 24),)
        vip = (InterfaceAddress("eth0", VIP, 24),) if n in hosts else ()
        snapshot = changed(
            snapshot,
            n,
            lambda facts, mine=own + vip: replace(facts, addresses=Known(mine, NOW)),  # type: ignore[misc]
        )
    return snapshot


@pytest.mark.parametrize(
    ("owners", "states", "output"),
    [
        ((), {EdgeState.BROKEN}, "✖ UNOWNED"),
        ((2,), {EdgeState.WORKS, EdgeState.UNUSED}, "● on cp2"),
        ((1, 3), {EdgeState.BROKEN, EdgeState.UNUSED}, "✖ SPLIT: cp1, cp3"),
    ],
)
def test_the_owners_of_the_vip_are_its_edges(owners: tuple[int, ...], states: set[EdgeState], output: str) -> None:
    way = path(held_by(*owners))
    assert {each.state for each in way.edges if each.start == THE_VIP} == states
    assert way.of_stage(Stage.VIP)[0].state.text == output


def test_a_stopped_member_breaks_the_edges_to_it() -> None:
    way = path(changed(on_path(healthy()), 2, etcd_silent))
    assert {each.end for each in way.in_state(EdgeState.BROKEN)} == {etcd(2)}
    lost_host = path(changed(on_path(healthy()), 2, unreachable))
    assert state(lost_host, api(1), etcd(2)) is EdgeState.UNKNOWN
    assert state(lost_host, api(1), etcd(1)) is EdgeState.WORKS


def test_a_member_without_quorum_serves_no_request() -> None:
    snapshot = on_path(healthy())
    for n in (1, 2, 3):
        failed = endpoint(n, leader=None, healthy=False)
        snapshot = changed(snapshot, n, lambda facts, value=failed: replace(facts, etcd=Known(value, NOW)))  # type: ignore[misc]
    assert {each.state for each in path(snapshot).edges if each.start == api(1)} == {EdgeState.BROKEN}


def test_a_stacked_api_server_uses_only_its_own_member() -> None:
    def stacked(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.apiserver, Known)
        value = replace(facts.apiserver.value, etcd_servers=("https://127.0.0.1:2379",))
        return replace(facts, apiserver=Known(value, NOW))

    way = path(changed(on_path(healthy()), 2, stacked))
    assert [each.end for each in way.edges if each.start == api(2)] == [etcd(2)]
    assert len([each for each in way.edges if each.start == api(1)]) == 3


def test_an_api_server_that_fails_its_check_of_etcd_has_no_working_edge_to_it() -> None:
    def failing(facts: HostFacts) -> HostFacts:
        assert isinstance(facts.apiserver, Known)
        value = replace(facts.apiserver.value, ready=False, failing=("etcd",))
        return replace(facts, apiserver=Known(value, NOW))

    way = path(changed(on_path(healthy()), 2, failing))
    assert {each.state for each in way.edges if each.start == api(2)} == {EdgeState.BROKEN}
    assert way.of_stage(Stage.API)[1].state.text == "✖ not ready (1)"


def test_a_failed_request_is_broken_only_if_the_endpoint_was_queried() -> None:
    def failed(asked_from: tuple[str, ...]) -> ClusterSnapshot:
        return replace(on_path(healthy()), endpoint_ms=Failed("refused", NOW, Cause.REFUSED, asked_from=asked_from))

    assert state(path(failed(("cp1",))), CLIENTS, THE_VIP) is EdgeState.BROKEN
    assert state(path(failed(())), CLIENTS, THE_VIP) is EdgeState.UNKNOWN


def roles(snapshot: ClusterSnapshot, *role: Role) -> ClusterSnapshot:
    return replace(snapshot, hosts=tuple(replace(facts, roles=role) for facts in snapshot.hosts), vips=())


def test_a_balancer_outside_the_inventory_is_drawn_and_its_edges_are_unknown() -> None:
    hosts = tuple(replace_host(host, (Role.ETCD, Role.CONTROL_PLANE)) for host in INVENTORY.hosts)
    inventory = Inventory(cluster="lab", hosts=hosts, kubernetes=Kubernetes(endpoint="api.example.org:6443"))
    way = path(roles(on_path(healthy()), Role.ETCD, Role.CONTROL_PLANE), inventory)
    outside = NodeId(Stage.BALANCER, "outside")
    assert state(way, CLIENTS, outside) is EdgeState.WORKS
    assert state(way, outside, api(2)) is EdgeState.UNKNOWN
    assert Stage.VIP not in way.stages
    snapshot = roles(on_path(healthy()), Role.ETCD, Role.CONTROL_PLANE)
    way = path(behind_endpoint(snapshot, "apiserver@cp2"), inventory)
    assert state(way, outside, api(2)) is EdgeState.WORKS
    assert state(way, outside, api(1)) is EdgeState.UNKNOWN
    direct = Inventory(cluster="lab", hosts=hosts, kubernetes=Kubernetes(endpoint="10.99.0.12:6443"))
    way = path(roles(on_path(healthy()), Role.ETCD, Role.CONTROL_PLANE), direct)
    assert state(way, CLIENTS, api(2)) is EdgeState.WORKS
    assert Stage.BALANCER not in way.stages


def replace_host(host: Host, roles: tuple[Role, ...]) -> Host:
    return Host(name=host.name, address=host.address, roles=roles)


def test_a_cluster_of_etcd_only_has_members_and_no_clients() -> None:
    hosts = tuple(replace_host(host, (Role.ETCD,)) for host in INVENTORY.hosts)
    way = path(roles(healthy(), Role.ETCD), Inventory(cluster="lab", hosts=hosts))
    assert way.stages == (Stage.ETCD,)
    assert text_of(drawing(way, Sketch.of(way, 80, 20))[1]).split() == ["cp1"]


def test_a_second_vip_is_not_taken_for_the_measured_one() -> None:
    second = Vip("10.99.0.101")
    inventory = Inventory(
        cluster="lab",
        hosts=INVENTORY.hosts,
        kubernetes=INVENTORY.kubernetes,
        vips=(*INVENTORY.vips, VirtualIp(address="10.99.0.101/24", interface="eth0")),
        haproxy=INVENTORY.haproxy,
    )
    way = path(replace(on_path(healthy()), vips=(VIP, second)), inventory)
    assert state(way, CLIENTS, THE_VIP) is EdgeState.WORKS
    assert state(way, CLIENTS, NodeId(Stage.VIP, second)) is EdgeState.UNKNOWN


def test_an_address_of_kube_vip_leads_to_the_api_servers_themselves() -> None:
    way = path(kube_vip.healthy("cp2"), kube_vip.INVENTORY)
    vip = NodeId(Stage.VIP, kube_vip.VIP)
    assert Stage.BALANCER not in way.stages
    assert {each.end: each.state for each in way.edges if each.start == vip} == {
        api(1): EdgeState.UNUSED,
        api(2): EdgeState.WORKS,
        api(3): EdgeState.UNUSED,
    }
    assert way.of_stage(Stage.VIP)[0].state.text == "● on cp2"


def many(count: int) -> tuple[ClusterSnapshot, Inventory]:
    """A cluster of so many equal hosts; only the first three are etcd members."""
    base = on_path(healthy()).hosts[1]
    names = [HostName(f"a-long-name-of-master-{n:02}") for n in range(1, count + 1)]
    hosts = tuple(replace(base, host=name, address=f"10.99.1.{n}") for n, name in enumerate(names, 1))
    inventory = Inventory(
        cluster="lab",
        hosts=tuple(Host(name=facts.host, address=facts.address, roles=facts.roles) for facts in hosts),
        kubernetes=INVENTORY.kubernetes,
        vips=INVENTORY.vips,
        haproxy=INVENTORY.haproxy,
    )
    return replace(healthy(), hosts=hosts), inventory


@pytest.mark.parametrize("width", [60, 80, 100, 160, 250])
@pytest.mark.parametrize("height", [8, 14, 40])
def test_every_line_fits_the_screen_also_with_many_hosts_and_long_names(width: int, height: int) -> None:
    for snapshot, inventory in ((on_path(healthy()), INVENTORY), (held_by(), INVENTORY), many(9)):
        way = path(snapshot, inventory)
        for line in drawing(way, Sketch.of(way, width, height), way.nodes[0].id):
            assert len(text_of(line)) <= width
        for node in way.nodes:
            picture = PathPicture.of(way, PathWindow(node.id), width, height)
            assert max(len(text_of(line)) for line in picture.lines) <= width
            assert len(picture.lines) <= height + 1
            assert any("[" in text_of(line) for line in picture.lines), "the node under the cursor is shown"


def test_a_broken_edge_has_a_sign_of_its_own_in_ascii_too() -> None:
    def drawing_text(snapshot: ClusterSnapshot) -> str:
        way = path(snapshot)
        return "\n".join(ascii_text(text_of(line)) for line in drawing(way, Sketch.of(way, 80, 14)))

    healthy_text, fault = drawing_text(on_path(healthy())), drawing_text(changed(on_path(healthy()), 2, etcd_silent))
    assert healthy_text.isascii()
    assert "?" not in healthy_text
    assert "x" not in healthy_text.replace("x ", "")
    assert "xcp2" in fault.replace(" ", "").replace("[", "")
    assert ">cp3" in fault.replace(" ", "")


def test_edges_with_one_reason_are_one_line() -> None:
    way = path(changed(on_path(healthy()), 2, etcd_silent))
    (group,) = grouped(way.in_state(EdgeState.BROKEN))
    assert text_of(group.lines(80)[0]) == " ✖ API servers cp1, cp2, cp3 → etcd cp2: etcd: down"


def test_the_report_has_every_node_and_edge() -> None:
    snapshot = changed(on_path(healthy()), 2, etcd_silent)
    report = json.loads(encoded(path_report(snapshot, path(snapshot))))
    assert report["schema"] == "haconsole/path/v1"
    assert {"stage": "vip", "name": VIP, "health": "good", "state": "on cp1", "note": None} in report["nodes"]
    faults = [each for each in report["edges"] if each["state"] == "broken"]
    assert {each["end"]["name"] for each in faults} == {"cp2"}
    assert report["edges"][0]["seconds"] == pytest.approx(0.0043)
    text = path_text(path(snapshot), 80)
    assert "3 of 22 hops broken" in text.splitlines()[0]
    assert "✖ API servers cp1, cp2, cp3 → etcd cp2: etcd: down" in text


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_keys_lead_from_node_to_node_and_to_its_details(size: tuple[int, int]) -> None:
    async with running(console(FakeSession(on_path(healthy()))), size) as pilot:
        await shows(pilot, "HEALTHY")
        await pilot.press("p")
        await shows(pilot, "none broken")
        await pilot.press("enter")
        await shows(pilot, "endpoint of the API")
        await pilot.press("escape", "right", "right", "up", "enter")
        await shows(pilot, "haproxy on cp1")
        await pilot.press("escape", "right", "down", "enter")
        await shows(pilot, "API server on cp2")
        await pilot.press("escape", "right", "enter")
        await shows(pilot, "etcd member cp2")
        await pilot.press("escape", "escape")
        await shows(pilot, "lease holders")


async def test_many_hosts_scroll_with_the_cursor() -> None:
    snapshot, inventory = many(9)
    fake = FakeSession(snapshot, inventory=inventory)
    async with running(console(fake), (80, 24)) as pilot:
        await shows(pilot, "lease holders")
        await pilot.press("p")
        await shows(pilot, "path of a request")
        await pilot.press("right", "right", *["down"] * 9)
        await shows(pilot, "ster-09]")
        assert max(len(line) for line in screen_text(pilot.app).splitlines()) <= 80
