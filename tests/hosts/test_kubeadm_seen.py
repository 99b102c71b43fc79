"""A kubeadm cluster as its guide makes it: healthy as it is, found from each host, and each failure named by its cause.

Every failure is made on the real cluster and undone; the table at the end has the first finding and its seconds.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from haconsole.diagnosis.candidate import ANY
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from tests.hosts.drawn import draw_third
from tests.hosts.kubeadm_cluster import control_planes, etcdctl, kubectl, output, wait_healthy, workers
from tests.hosts.kubeadm_doctor import (
    HEALED_S,
    NOTICED_S,
    discovered,
    first_finding,
    healed,
    no_advice_that_cannot_be_followed,
    problems,
)
from tests.hosts.kubeadm_material import expired_copy, mirrored_pods, running_pods
from tests.hosts.kubeadm_mode import MANIFESTS, Mode, edit
from tests.hosts.kubeadm_modes import MODES
from tests.hosts.program import Program

KUBELET_PAIR = "/var/lib/kubelet/pki/kubelet-client-current.pem"
TRIES = 6
Table = list[tuple[str, str, float]]


@pytest.fixture(scope="module")
def cluster(places: Places, saved_kubeadm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The restored cluster for all tests of this file; a test that breaks something repairs it."""
    lab = Lab(Path(saved_kubeadm).name, places=places)
    try:
        lab.up_from(saved_kubeadm)
        wait_healthy(lab)
        folder = tmp_path_factory.mktemp("state")
        program = Program(
            lab, folder, discovered(Program(lab, folder), lab.spec.host("cp1").address, folder / "found.yaml")
        )
        healed(program)  # the saved leases have expired
        yield program
    finally:
        lab.down()


@pytest.fixture(scope="module")
def table(pytestconfig: pytest.Config) -> Iterator[Table]:
    """Failure modes with their first finding; printed at the end."""
    rows: Table = []
    yield rows
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(
            "\n\nfailure mode                                first finding                                    seconds"
        )
        for mode, finding, seconds in rows:
            print(f"{mode:<44}{finding:<49}{seconds:>7.1f}")


def test_the_healthy_cluster_is_healthy(cluster: Program) -> None:
    inventory = str(cluster.inventory)
    for words in (("check", inventory), ("status", inventory), ("doctor", inventory), ("certs", inventory)):
        result = cluster.verb(*words)
        for _ in range(TRIES):
            if "host.slow" not in result.stdout:
                break
            time.sleep(10)  # this machine is too busy with other tests to answer in time
            result = cluster.verb(*words)
        assert result.returncode == 0, result.stdout + result.stderr


def test_every_host_gives_the_same_inventory(cluster: Program, tmp_path: Path) -> None:
    lab = cluster.lab
    texts = {
        name: discovered(cluster, lab.spec.host(name).address, tmp_path / name).read_text().split("\n", 1)[1]
        for name in (*control_planes(lab), *workers(lab))
    }
    assert len(set(texts.values())) == 1, texts
    assert re.search(rf'cluster: "?{re.escape(str(lab.spec.vip).partition("/")[0])}-[0-9a-f]{{8}}"?\n', texts["w1"])


def test_a_dead_control_plane_changes_nothing_but_its_own_settings(cluster: Program, tmp_path: Path) -> None:
    """An error of the inventory in the making, and a host that is off, keep nobody else from being queried."""
    lab = cluster.lab
    output(lab, "cp3", "systemctl", "stop", "ssh.socket", "ssh")
    try:
        text = discovered(cluster, lab.spec.host("w1").address, tmp_path / "found").read_text()
    finally:
        output(lab, "cp3", "systemctl", "start", "ssh")
    assert re.findall(r"name: (\w+)", text) == ["cp1", "cp2", "cp3", "w1"]
    assert "cp3" in "".join(line for line in text.splitlines() if line.startswith("# -"))


def test_nodes_and_services_are_those_of_kubectl_and_the_hosts(cluster: Program) -> None:
    lab = cluster.lab
    result = cluster.verb("status", str(cluster.inventory), "--json")
    report = json.loads(result.stdout)
    listed = json.loads(kubectl(lab, "cp1", "get", "nodes", "-o", "json"))["items"]
    expected = {
        node["metadata"]["name"]: (
            node["status"]["nodeInfo"]["kubeletVersion"],
            any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"]),
            node["spec"].get("unschedulable", False),
        )
        for node in listed
    }
    nodes = {node["name"]: (node["kubelet_version"], node["ready"], node["unschedulable"]) for node in report["nodes"]}
    assert nodes == expected
    assert all(0 <= node["lease_age_s"] < 40 for node in report["nodes"])
    kinds = {(one["host"], one["name"]): (one["kind"], one["state"]) for one in report["services"]}
    assert kinds["cp1", "etcd"] == kinds["cp3", "kube-apiserver"] == ("static-pod", "active")
    assert kinds["cp2", "haproxy"] == kinds["w1", "kubelet"] == ("unit", "active")


def test_leases_members_and_static_pods_are_those_of_kubectl_etcdctl_and_ctr(cluster: Program) -> None:
    lab = cluster.lab
    report = json.loads(cluster.verb("status", str(cluster.inventory), "--json").stdout)
    listed = json.loads(kubectl(lab, "cp1", "-n", "kube-system", "get", "leases", "-o", "json"))["items"]
    holders = {one["metadata"]["name"]: one["spec"]["holderIdentity"] for one in listed}
    assert {one["name"]: one["holder"] for one in report["leases"]} == holders
    assert {one["name"]: one["host"] for one in report["leases"]} == {
        name: holder.partition("_")[0] for name, holder in holders.items()
    }
    status, text = etcdctl(lab, "cp2", "endpoint", "status", "--cluster", "-w", "json")
    assert status == 0, text
    members = {f"{one['Status']['header']['member_id']:x}": one for one in json.loads(text)}
    leader = f"{next(iter(members.values()))['Status']['leader']:x}"
    assert {one["id"]: (one["leader"], one["version"]) for one in report["etcd"]["members"]} == {
        key: (key == leader, one["Status"]["version"]) for key, one in members.items()
    }
    assert report["etcd"]["cluster_id"] == f"{next(iter(members.values()))['Status']['header']['cluster_id']:x}"
    pods = {
        (one["host"], one["name"])
        for one in report["services"]
        if one["kind"] == "static-pod" and one["state"] == "active"
    }
    assert pods == {(host, name) for host in control_planes(lab) for name in running_pods(lab, host)}
    end = time.monotonic() + NOTICED_S
    while pods != mirrored_pods(lab):
        assert time.monotonic() < end, mirrored_pods(lab)
        time.sleep(2.0)


def test_the_certificates_of_every_host_are_read_from_files(cluster: Program) -> None:
    """Also those of a kubelet that does not run."""
    lab = cluster.lab
    output(lab, "w1", "systemctl", "stop", "kubelet")
    try:
        report = json.loads(cluster.verb("certs", str(cluster.inventory), "--json").stdout)
    finally:
        output(lab, "w1", "systemctl", "start", "kubelet")
    paths = {(one["host"], one["role"]): one["path"] for one in report["certificates"]}
    assert all(paths[name, "kubelet"] == KUBELET_PAIR for name in (*control_planes(lab), "w1"))
    assert paths["w1", "kubernetes-ca"] == "/etc/kubernetes/pki/ca.crt"
    assert report["unread"] == []


@pytest.mark.parametrize("mode", draw_third(MODES), ids=lambda mode: mode.name.replace(" ", "-"))
def test_a_failure_is_named_by_its_cause(cluster: Program, table: Table, mode: Mode) -> None:
    lab = cluster.lab

    def run(command: str) -> None:
        output(lab, mode.host, "sh", "-c", command, deadline_s=60)

    run(mode.make)
    began = time.monotonic()
    try:
        finding = first_finding(cluster, ANY if mode.everywhere else mode.host, mode.code, mode.holds)
        table.append((mode.name, f"{finding['code']} {finding['subject']}", time.monotonic() - began))
        assert mode.subject in (finding["subject"], "")
        no_advice_that_cannot_be_followed(finding)
    finally:
        run(mode.undo)
        healed(cluster)


def test_a_cordoned_node_is_a_note(cluster: Program, table: Table) -> None:
    kubectl(cluster.lab, "cp1", "cordon", "w1")
    began = time.monotonic()
    try:
        finding = first_finding(cluster, "w1", "node.cordoned")
        table.append(("node cordoned", "node.cordoned w1", time.monotonic() - began))
        assert finding["severity"] == "info"
        end = time.monotonic() + HEALED_S
        while grave := [one for one in problems(cluster) if one["severity"] != "info"]:
            # what the fault before left, or a busy machine's lateness, passes; what the cordon causes does not
            assert time.monotonic() < end, [(one["code"], one["subject"], one["summary"]) for one in grave]
            time.sleep(2.0)
    finally:
        kubectl(cluster.lab, "cp1", "uncordon", "w1")
        healed(cluster)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["voter", "learner"])
def test_a_member_that_never_started_is_removed_by_its_id(cluster: Program, table: Table, kind: str) -> None:
    """The rest of a control plane that died while it joined: kubeadm refuses the next join because of it."""
    lab = cluster.lab
    flags = ("--learner",) if kind == "learner" else ()
    address = lab.spec.at(200)
    status, added = etcdctl(lab, "cp1", "member", "add", "gone", f"--peer-urls=https://{address}:2380", *flags)
    assert status == 0, added
    (member,) = re.findall(r"Member\s+([0-9a-f]+) added", added)
    began = time.monotonic()
    try:
        finding = first_finding(cluster, ANY, "etcd.member-unstarted")
        table.append((f"{kind} that never started", f"etcd.member-unstarted {member}", time.monotonic() - began))
        assert finding["subject"] == member
        assert member in json.dumps(finding["remedies"])
    finally:
        etcdctl(lab, "cp1", "member", "remove", member)
        healed(cluster)


@pytest.mark.nightly
def test_a_full_database_of_etcd(cluster: Program, table: Table) -> None:
    lab, quota = cluster.lab, "s/    - etcd$/&\\n    - --quota-backend-bytes=1000000/"
    make, undo = edit(f"{MANIFESTS}/etcd.yaml", quota)
    output(lab, "cp3", "sh", "-c", make)
    began = time.monotonic()
    try:
        finding = first_finding(cluster, ANY, "etcd.nospace")
        table.append(("database of etcd full", "etcd.nospace etcd", time.monotonic() - began))
        assert finding["remedies"][0]["action"]["name"] == "disarm-alarm"
    finally:
        output(lab, "cp3", "sh", "-c", undo)
        end = time.monotonic() + HEALED_S
        while "NOSPACE" in etcdctl(lab, "cp1", "alarm", "list")[1]:
            etcdctl(lab, "cp1", "alarm", "disarm")
            assert time.monotonic() < end
            time.sleep(3.0)
        healed(cluster)


@pytest.mark.nightly
def test_a_host_whose_node_object_was_deleted(cluster: Program, table: Table) -> None:
    kubectl(cluster.lab, "cp1", "delete", "node", "w1")
    began = time.monotonic()
    try:
        finding = first_finding(cluster, "w1", "node.missing")
        table.append(("Node object deleted", "node.missing w1", time.monotonic() - began))
        assert finding["remedies"][0]["action"]["name"] == "join"
    finally:
        output(cluster.lab, "w1", "systemctl", "restart", "kubelet")
        healed(cluster)


@pytest.mark.nightly
def test_a_leaf_that_was_copied_from_another_host(cluster: Program, table: Table) -> None:
    """`certificate is valid for cp1, ..., not cp3`: leaves are made for one host."""
    lab, names = cluster.lab, ("apiserver.crt", "apiserver.key")
    folders = {host: lab.host(host).root / "etc/kubernetes/pki" for host in ("cp1", "cp3")}
    remainder = {name: (folders["cp3"] / name).read_bytes() for name in names}
    for name in names:
        (folders["cp3"] / name).write_bytes((folders["cp1"] / name).read_bytes())
    began = time.monotonic()
    try:
        finding = first_finding(cluster, "cp3", "cert.san-missing")
        seconds = time.monotonic() - began
        table.append(("leaf copied from another host", f"cert.san-missing {finding['subject']}", seconds))
        assert lab.spec.host("cp3").address in finding["summary"]
        assert finding["remedies"][0]["action"]["name"] == "rotate-certs"
    finally:
        for name, content in remainder.items():
            (folders["cp3"] / name).write_bytes(content)
        healed(cluster)


@pytest.mark.nightly
def test_keepalived_stopped_everywhere_is_started_and_never_replaced(cluster: Program, table: Table) -> None:
    """A start is the fix: a bootstrap would replace the site's own configuration."""
    lab = cluster.lab
    for name in control_planes(lab):
        output(lab, name, "systemctl", "stop", "keepalived")
    began = time.monotonic()
    try:
        finding = first_finding(cluster, ANY, "vip.unowned")
        table.append(("keepalived stopped everywhere", "vip.unowned vip", time.monotonic() - began))
        assert finding["remedies"][0]["action"] == {"name": "restart", "arguments": {"service": "keepalived"}}
        assert "bootstrap" not in json.dumps(finding["remedies"])
    finally:
        for name in control_planes(lab):
            output(lab, name, "systemctl", "start", "keepalived")
        healed(cluster)


@pytest.mark.nightly
def test_runtimes_and_kubelets_stopped_on_all_control_planes(cluster: Program, table: Table) -> None:
    """As after an outage. The cluster is there, though none of its components runs: it is never bootstrapped."""
    lab = cluster.lab
    stop = "systemctl stop kubelet containerd; pkill -KILL containerd-shim; true"
    for name in control_planes(lab):
        output(lab, name, "sh", "-c", stop)
    began = time.monotonic()
    try:
        finding = first_finding(cluster, ANY, "runtime.down")
        table.append(("runtimes stopped everywhere", f"runtime.down {finding['subject']}", time.monotonic() - began))
        assert any("lost its quorum" in line for line in finding["evidence"]), finding
        assert finding["remedies"][0]["text"].endswith("systemctl start containerd kubelet")
        result = cluster.verb("doctor", str(cluster.inventory))
        assert "not-bootstrapped" not in result.stdout
    finally:
        for name in control_planes(lab):
            output(lab, name, "systemctl", "start", "containerd", "kubelet")
        healed(cluster)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # kubeadm gives its CA the number 0
def test_a_kubelet_whose_certificate_expired(cluster: Program, table: Table) -> None:
    """It cannot start again, and its certificate is found though no process uses it."""
    lab = cluster.lab
    expired = expired_copy(lab, "w1", KUBELET_PAIR)
    path = lab.host("w1").root / "root/expired.pem"
    path.write_bytes(expired)
    path.chmod(0o600)
    content = output(lab, "w1", "readlink", "-f", KUBELET_PAIR).strip()
    output(
        lab,
        "w1",
        "sh",
        "-c",
        f"cp -p {content} /root/kept.pem && cp /root/expired.pem {content} && systemctl restart kubelet",
    )
    began = time.monotonic()
    try:
        finding = first_finding(cluster, "w1", "kubelet.cert-expired")
        seconds = time.monotonic() - began
        table.append(("kubelet's certificate expired", f"kubelet.cert-expired w1:{KUBELET_PAIR}", seconds))
        assert finding["subject"] == f"w1:{KUBELET_PAIR}"
        result = cluster.verb("certs", str(cluster.inventory))
        assert result.returncode == 2, result.stdout
    finally:
        output(lab, "w1", "sh", "-c", f"cp -p /root/kept.pem {content} && systemctl restart kubelet")
        healed(cluster)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_an_expired_certificate_of_an_api_server(cluster: Program, table: Table) -> None:
    lab, path = cluster.lab, "/etc/kubernetes/pki/apiserver.crt"
    file = lab.host("cp2").root / path.lstrip("/")
    content = file.read_bytes()
    file.write_bytes(expired_copy(lab, "cp2", path))
    began = time.monotonic()
    try:
        finding = first_finding(cluster, "cp2", "cert.expired")
        table.append(
            ("API server's certificate expired", f"cert.expired {finding['subject']}", time.monotonic() - began)
        )
        assert finding["remedies"][0]["action"]["name"] == "rotate-certs"
    finally:
        file.write_bytes(content)
        healed(cluster)


@pytest.mark.nightly
def test_a_worker_that_was_deleted_and_not_reset_joins_again(cluster: Program, table: Table) -> None:
    output(cluster.lab, "w1", "systemctl", "disable", "--now", "-q", "kubelet")
    kubectl(cluster.lab, "cp1", "delete", "node", "w1")
    began = time.monotonic()
    finding = first_finding(cluster, "w1", "kubeadm.leftovers")
    table.append(("worker deleted and not reset", "kubeadm.leftovers w1", time.monotonic() - began))
    assert finding["remedies"][0]["action"]["name"] == "join"
    assert cluster.events("join", "w1")[-1]["outcome"] == "done"
    healed(cluster)


@pytest.mark.nightly
def test_a_control_plane_that_was_removed_and_not_reset_joins_again(cluster: Program, table: Table) -> None:
    """Its member and its Node are gone; its kubelet still runs its static pods."""
    lab = cluster.lab
    status, listed = etcdctl(lab, "cp1", "member", "list")
    assert status == 0, listed
    (member,) = re.findall(r"^([0-9a-f]+), started, cp3,", listed, re.MULTILINE)
    kubectl(lab, "cp1", "delete", "node", "cp3")
    assert etcdctl(lab, "cp1", "member", "remove", member)[0] == 0
    output(lab, "cp3", "systemctl", "restart", "kubelet")
    began = time.monotonic()
    finding = first_finding(cluster, "cp3", "kubeadm.leftovers")
    table.append(("control plane removed and not reset", "kubeadm.leftovers cp3", time.monotonic() - began))
    assert finding["remedies"][0]["action"]["name"] == "join"
    assert cluster.events("join", "cp3")[-1]["outcome"] == "done"
    healed(cluster)
