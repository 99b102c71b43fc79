"""The JSON of `status` and `doctor` is complete, follows its schema, and shows unknown as null with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from haconsole.cli.reports.findings import DoctorReport, doctor_report, stamp
from haconsole.cli.reports.status import status_report
from haconsole.cli.reports.status_shapes import StatusReport
from haconsole.cli.reports.text import doctor_text, status_text
from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.model import measures as m
from haconsole.model.certificate import Certificate
from haconsole.model.figures import Figure
from haconsole.model.findings import Health
from haconsole.model.hosts import HostFacts
from haconsole.model.kubeadm import ClusterConfiguration, ClusterInfo, KubeletConfiguration
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.measures import SeriesKey
from haconsole.model.names import HostName
from haconsole.model.node import NodeCondition
from haconsole.model.observed import NOT_ASKED, Failed, Known, value_of
from haconsole.model.series import Measurements
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import kube_vip, kubeadm
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy, unreachable
from tests.fakes.endpoint import ADDRESS, behind_endpoint


def as_json(snapshot: ClusterSnapshot) -> Any:
    findings = diagnose(snapshot, INVENTORY, NOW)
    report = status_report(snapshot, findings, health(snapshot, findings), NOW)
    document = msgspec.json.decode(msgspec.json.encode(report))
    jsonschema.validate(document, msgspec.json.schema(StatusReport))
    return document


def test_the_control_planes_behind_an_endpoint_outside_of_the_inventory() -> None:
    snapshot = behind_endpoint(healthy(), "apiserver@cp1", "apiserver@cp3")
    assert as_json(snapshot)["endpoint"] == {"address": ADDRESS, "answering": ["cp1", "cp3"], "unrecognised": 0}
    assert as_json(healthy())["endpoint"] is None
    sentence = f"endpoint {ADDRESS}: cp1, cp3 answered"
    assert status_text(snapshot, (), Health.HEALTHY, NOW).count(sentence) == 1
    with_vip = replace(snapshot, vips=healthy().vips)
    assert status_text(with_vip, (), Health.HEALTHY, NOW).count(sentence) == 1


def test_figures_and_their_subjects() -> None:
    measurements = Measurements()
    measurements.put(Figure(SeriesKey(m.FSYNC, "cp1"), NOW, 0.002))
    measurements.put(Figure(SeriesKey(m.FSYNC, "cp2"), NOW, None))
    measurements.put(Figure(SeriesKey(m.QUEUE, "cp1", "k8s/cp2"), NOW, 4.0))
    measurements.put(Figure(SeriesKey(m.ENDPOINT), NOW, 0.01))
    report = status_report(healthy(), (), Health.HEALTHY, NOW, measurements)
    document = msgspec.json.decode(msgspec.json.encode(report))
    jsonschema.validate(document, msgspec.json.schema(StatusReport))
    assert document["figures"] == {
        "etcd_fsync_p99_seconds": [
            {"host": "cp1", "server": None, "value": 0.002},
            {"host": "cp2", "server": None, "value": None},
        ],
        "endpoint_request_seconds": [{"host": None, "server": None, "value": 0.01}],
        "haproxy_queue": [{"host": "cp1", "server": "k8s/cp2", "value": 4.0}],
    }


def test_a_failed_reading_is_an_error_with_its_reason() -> None:
    failed: Failed[Any] = Failed("cp1: metrics: no answer within 6 s", NOW)
    document = as_json(
        replace(changed(healthy(), 1, lambda facts: replace(facts, etcd_metrics=failed)), endpoint_ms=failed)
    )
    assert [(each["host"], each["fact"]) for each in document["errors"]] == [
        ("cp1", "etcd_metrics"),
        (None, "endpoint_ms"),
    ]
    assert document["findings"] == []


def lost_everything() -> ClusterSnapshot:
    snapshot = healthy()
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, unreachable)
    return replace(snapshot, leases=Failed("no host answers", NOW))


def never_asked() -> ClusterSnapshot:
    hosts = tuple(HostFacts(each.host, each.address, each.roles) for each in healthy().hosts)
    return replace(healthy(), hosts=hosts, leases=NOT_ASKED)


def test_a_healthy_cluster() -> None:
    document = as_json(healthy())
    assert document["schema"] == "haconsole/status/v1"
    assert document["health"] == "healthy"
    assert document["etcd"]["quorum"] == {"voters": 3, "needed": 2, "healthy": 3, "can_lose": 1}
    assert document["etcd"]["leader"] == "cp1"
    assert [member["leader"] for member in document["etcd"]["members"]] == [True, False, False]
    assert document["vips"][0]["owners"] == ["cp1"]
    assert document["vips"][0]["hosts"][0] == {
        "host": "cp1",
        "vrrp_state": "MASTER",
        "priority": 100,
        "keepalived": "active",
    }
    assert document["haproxy"][0]["backends"][0]["servers"][0]["check"] == "L7OK"
    assert document["leases"][0]["state"] == "held"
    assert document["leases"][0]["source"] == "api"
    assert document["certificates"] == []
    assert document["errors"] == []
    assert document["findings"] == []


def test_the_vip_of_kube_vip_has_its_lease_in_place_of_vrrp() -> None:
    (vip,) = as_json(kube_vip.healthy("cp2", holder="cp1"))["vips"]
    assert vip == {
        "address": "10.99.0.200",
        "state": "owned",
        "owners": ["cp2"],
        "hosts": [],
        "lease": "plndr-cp-lock",
        "lease_host": "cp1",
    }


def test_nodes_and_services_of_a_kubeadm_cluster() -> None:
    snapshot = kubeadm.healthy()
    disk = NodeCondition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
    silent = NodeCondition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    strange = replace(kubeadm.node("w9", control_plane=False), host=None, conditions=(disk, silent), unschedulable=True)
    nodes = Known((*(value_of(snapshot.nodes) or ()), strange), NOW)
    crashed = replace(kubeadm.static_pod("kube-scheduler"), running=False, attempt=7, log=("Error: unknown flag: --x",))
    document = as_json(kubeadm.with_pod(replace(snapshot, nodes=nodes), "cp2", crashed))
    assert [node["name"] for node in document["nodes"]] == ["cp1", "cp2", "cp3", "w1", "w9"]
    assert document["nodes"][0] == {
        "name": "cp1",
        "host": "cp1",
        "ready": True,
        "conditions": [],
        "kubelet_version": "v1.20.2",
        "unschedulable": False,
        "lease_age_s": 4.0,
        "control_plane": True,
        "address": "",
        "taints": ["node-role.kubernetes.io/master:NoSchedule"],
    }
    last = document["nodes"][-1]
    assert (last["host"], last["ready"], last["unschedulable"]) == (None, None, True)
    assert [(one["type"], one["status"]) for one in last["conditions"]] == [
        ("DiskPressure", "True"),
        ("Ready", "Unknown"),
    ]
    services = {(one["host"], one["name"]): one for one in document["services"]}
    assert services["cp1", "kubelet"]["kind"] == "unit"
    assert services["w1", "containerd"]["state"] == "active"
    fault = services["cp2", "kube-scheduler"]
    assert (fault["kind"], fault["state"], fault["restarts"]) == ("static-pod", "activating", 7)
    assert fault["reason"] == "Error: unknown flag: --x"


def test_nodes_that_cannot_be_listed_are_null_with_the_reason() -> None:
    document = as_json(replace(kubeadm.healthy(), nodes=Failed("cp1: nodes: no answer within 6 s", NOW)))
    assert document["nodes"] is None
    assert {"host": None, "fact": "nodes", "reason": "cp1: nodes: no answer within 6 s"} in document["errors"]


def test_the_record_of_kubeadm() -> None:
    assert as_json(kubeadm.healthy())["kubeadm"] is None
    record = ClusterConfiguration("v1.20.2", "10.99.0.100:8443", "10.244.0.0/16", control_planes=("cp1", "cp2"))
    document = as_json(replace(kubeadm.healthy(), kubeadm=Known(record, NOW)))
    assert document["kubeadm"] == {
        "version": "v1.20.2",
        "endpoint": "10.99.0.100:8443",
        "pod_cidr": "10.244.0.0/16",
        "service_cidr": "",
        "external_etcd": [],
        "control_planes": ["cp1", "cp2"],
        "cluster_info": None,
        "kubelet_config": None,
    }
    info = ClusterInfo("https://10.99.0.100:8443", ("43a0", "5be1"))
    kubelet = KubeletConfiguration("kubelet-config-1.20", "cgroupfs", None, False)
    complete = replace(record, cluster_info=info, kubelet=kubelet)
    part = as_json(replace(kubeadm.healthy(), kubeadm=Known(complete, NOW)))["kubeadm"]
    assert part["cluster_info"] == {"server": "https://10.99.0.100:8443", "authorities": ["43a0", "5be1"]}
    assert part["kubelet_config"] == {
        "name": "kubelet-config-1.20",
        "cgroup_driver": "cgroupfs",
        "rotate_certificates": None,
        "fail_swap_on": False,
    }
    reason = "cp1: kubeadm: no answer within 3 s"
    document = as_json(replace(kubeadm.healthy(), kubeadm=Failed(reason, NOW)))
    assert document["kubeadm"] is None
    assert {"host": None, "fact": "kubeadm", "reason": reason} in document["errors"]


def test_unknown_is_null_with_the_reason_in_errors() -> None:
    document = as_json(changed(healthy(), 3, unreachable))
    host = document["hosts"][2]
    assert (host["reachable"], host["connect_ms"], host["clock_offset_ms"]) == (False, None, None)
    assert document["haproxy"][2]["backends"] is None
    assert document["haproxy"][2]["state"] is None
    assert {error["fact"] for error in document["errors"] if error["host"] == "cp3"} >= {"reach", "etcd", "haproxy"}
    member = document["etcd"]["members"][2]
    assert (member["version"], member["raft_index"], member["error"]) == (None, None, "no answer within 10 s")


@pytest.mark.parametrize("snapshot", [lost_everything(), never_asked()], ids=["all lost", "never queried"])
def test_unknown_facts_are_reported_as_unknown(snapshot: ClusterSnapshot) -> None:
    document = as_json(snapshot)
    assert document["health"] == "unknown"
    assert document["leases"] is None
    assert document["certificates"] is None
    assert document["vips"][0]["state"] == "unknown"


def test_certificates_carry_their_days() -> None:
    certificate = Certificate(
        HostName("cp1"),
        "/etc/etcd/pki/server.crt",
        "etcd-server",
        "CN=cp1",
        "CN=etcd-ca",
        "1f",
        NOW - timedelta(days=350),
        NOW + timedelta(days=15, hours=5),
        ("IP:10.99.0.11",),
        "ab",
        is_ca=False,
        served_at="10.99.0.11:2379",
    )
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, certificates=Known((certificate,), NOW)))
    document = as_json(snapshot)
    (entry,) = document["certificates"]
    assert (entry["days_left"], entry["not_after"]) == (15, "2026-03-16T08:00:00.000Z")
    assert document["findings"][0]["code"] == "cert.expiring"
    assert document["health"] == "degraded"


def test_doctor_has_the_same_findings() -> None:
    snapshot = changed(healthy(), 2, etcd_silent)
    findings = diagnose(snapshot, INVENTORY, NOW)
    report = doctor_report("lab", NOW, health(snapshot, findings), findings)
    document = msgspec.json.decode(msgspec.json.encode(report))
    jsonschema.validate(document, msgspec.json.schema(DoctorReport))
    assert document["findings"] == as_json(snapshot)["findings"]


def test_stamps_are_utc_whatever_the_zone() -> None:
    at = datetime.fromisoformat("2026-03-01T05:00:00.123456+02:00")
    assert stamp(at) == "2026-03-01T03:00:00.123Z"
    assert stamp(at.astimezone(UTC)) == stamp(at)


def test_the_page_names_leader_owner_holder_and_what_is_unknown() -> None:
    snapshot = changed(healthy(), 3, unreachable)
    findings = diagnose(snapshot, INVENTORY, NOW)
    page = status_text(snapshot, findings, health(snapshot, findings), NOW)
    assert "lab: degraded, observed 2026-03-01 03:00:00Z" in page
    assert "cp1     ★ leader    ● healthy" in page
    assert "10.99.0.100  cp1    ◆ owner" in page
    assert "scheduler           cp1     ● held" in page
    assert "cp3   ✖ lost 03:00:00  (? 6/6 active, 0s old)" in page
    assert "in parentheses: last known, not current" in page
    assert "WARNING host.unreachable cp3" in page


def test_a_page_without_silent_hosts_has_nothing_in_parentheses() -> None:
    assert "parentheses" not in status_text(healthy(), (), health(healthy(), ()), NOW)


def test_sentences_are_wrapped_at_the_width_and_tables_are_not() -> None:
    snapshot = changed(healthy(), 3, unreachable)
    findings = diagnose(snapshot, INVENTORY, NOW)
    page = status_text(snapshot, findings, health(snapshot, findings), NOW, 40)
    sentences = page[page.index("WARNING") :].splitlines()
    assert max(map(len, sentences)) <= 40
    assert "etcd control-plane balancer" in page


def test_a_page_without_findings_is_one_line() -> None:
    assert doctor_text(healthy(), (), health(healthy(), ()), NOW) == "lab: healthy, no findings"


def locked(heartbeats: dict[int, int]) -> ClusterSnapshot:
    """A run of two minutes has the lock; by host, how old its heartbeat is."""
    claim = LockClaim("ab" * 16, "ops@desk", 4711, "r1", "join")
    snapshot = healthy()
    for n in (1, 2, 3):
        reading = HostLock(claim, 120 + n, heartbeats[n]) if n in heartbeats else None
        snapshot = changed(snapshot, n, lambda facts, reading=reading: replace(facts, lock=Known(reading, NOW)))  # type: ignore[misc]
    return snapshot


def test_the_lock_has_its_holder_its_run_and_its_newest_heartbeat() -> None:
    assert as_json(locked({}))["lock"] is None
    assert as_json(locked({1: 9, 3: 4}))["lock"] == {
        "holder": "ops@desk",
        "pid": 4711,
        "run": "r1",
        "action": "join",
        "since": stamp(NOW - timedelta(seconds=123)),
        "heartbeat_age_s": 4,
        "stale": False,
        "hosts": ["cp1", "cp3"],
        "needed": 2,
    }
    assert as_json(locked({1: 31, 2: 30}))["lock"]["stale"]


def test_a_lock_that_could_not_be_read_is_no_free_lock() -> None:
    unread = changed(healthy(), 2, lambda facts: replace(facts, lock=Failed("no root there", NOW)))
    document = as_json(unread)
    assert document["lock"] is None
    assert {"host": "cp2", "fact": "lock", "reason": "no root there"} in document["errors"]


def test_the_page_of_text_has_a_line_for_the_lock() -> None:
    def page(snapshot: ClusterSnapshot) -> str:
        return status_text(snapshot, (), health(snapshot, ()), NOW)

    assert "lock:" not in page(locked({}))
    output = page(locked({1: 9, 2: 3}))
    assert (
        "lock: ops@desk (process 4711) has been running join for 122 s (run r1); heartbeat 3 s ago (on cp1, cp2)"
        in output
    )
