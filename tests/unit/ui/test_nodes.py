"""The nodes pane: every node of the API, and whether pods can run on it."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from haconsole.model.node import NodeCondition
from haconsole.model.observed import NOT_ASKED, Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.changes import changes
from haconsole.present.details.anything import about
from haconsole.present.host_of_row import host_of
from haconsole.present.nodes import nodes_table
from haconsole.present.row_keys import NodeKey
from haconsole.present.services import services_table
from tests.fakes import kubeadm
from tests.fakes.cluster import NOW

SILENT = NodeCondition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", NOW)
DISK = NodeCondition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure", NOW)


def texts(snapshot: ClusterSnapshot, **later: float) -> list[tuple[str, ...]]:
    view = nodes_table(snapshot, NOW + timedelta(**later))
    return [tuple(cell.text for cell in row.cells[:6]) for row in view.rows]


def troubled() -> ClusterSnapshot:
    """w1 silent, under pressure and cordoned; w9 ready, in no inventory."""
    silent = kubeadm.with_node(
        kubeadm.healthy(), "w1", lambda node: replace(node, conditions=(DISK, SILENT), unschedulable=True)
    )
    strange = replace(kubeadm.node("w9", control_plane=False), host=None)
    return replace(silent, nodes=Known((*(value_of(silent.nodes) or ()), strange), NOW))


def test_healthy_nodes_are_quiet() -> None:
    assert texts(kubeadm.healthy())[0] == ("cp1", "● ready", "open", "–", "v1.20.2", "in time")
    assert nodes_table(kubeadm.healthy(), NOW).summaries[0].text == "● 4/4 ready"


def test_every_trouble_of_a_node_has_its_cell() -> None:
    assert texts(troubled())[3] == ("w1", "✖ silent", "▲ cordoned", "▲ DiskPressure", "v1.20.2", "in time")
    view = nodes_table(troubled(), NOW)
    assert view.summaries[0].text == "✖ 4/5 ready"
    assert view.rows[-1].cells[-1].text == "? not in the inventory"
    assert texts(troubled(), seconds=60)[3][-1] == "64s ago"


def test_unknown_nodes_are_shown_as_unknown() -> None:
    failed = nodes_table(replace(kubeadm.healthy(), nodes=Failed("no API server answers", NOW)), NOW)
    assert failed.empty.text == "? not known: no API server answers"
    assert nodes_table(replace(kubeadm.healthy(), nodes=NOT_ASKED), NOW).empty.text == "? not observed yet"
    remembered = Failed("no API server answers", NOW, last=Known((kubeadm.node("cp1"),), NOW))
    (row,) = nodes_table(replace(kubeadm.healthy(), nodes=remembered), NOW).rows
    assert (row.stale, row.cells[1].text.startswith("? since")) == (True, True)


def test_all_about_a_node() -> None:
    detail = about(NodeKey("w1"), troubled(), (), (), NOW)
    assert detail is not None
    assert "kubelet has disk pressure" in str(detail)
    assert about(NodeKey("w7"), troubled(), (), (), NOW) is None
    assert host_of(NodeKey("w1"), troubled()) == "w1"
    assert host_of(NodeKey("w9"), troubled()) is None


def test_nodes_that_change_are_events() -> None:
    lines = [change.text for change in changes(kubeadm.healthy(), troubled())]
    assert lines == ["node is not ready", "node cordoned"]


def test_services_are_shown_as_what_they_are() -> None:
    crashed = replace(kubeadm.static_pod("kube-scheduler"), running=False, attempt=7, log=("Error: unknown flag: --x",))
    view = services_table(kubeadm.with_pod(kubeadm.healthy(), "cp2", crashed))
    rows = {row.cells[0].text: (row.cells[1].text, row.cells[2].text) for row in view.rows}
    assert rows["kubelet"] == ("unit", "active on cp1, cp2, cp3, w1")
    assert rows["etcd"] == ("static pod", "active on cp1, cp2, cp3")
    assert rows["kube-scheduler"] == (
        "static pod",
        "active on cp1, cp3; activating on cp2 (7 restarts; Error: unknown flag: --x)",
    )
    assert view.summaries[0].text == "✖ 25/26 active"
