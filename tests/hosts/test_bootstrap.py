"""Bootstrap on bare hosts, seen by the hosts' own tools: it works, a second run changes nothing, keys stay home."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from haconsole.execution.log.run_record import StepState, read_run
from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program, outcomes

HOSTS = ("cp1", "cp2", "cp3")
LEAVES = (
    *(f"/etc/etcd/pki/{name}" for name in ("server", "peer", "client")),
    *(
        f"/etc/kubernetes/pki/{name}"
        for name in ("apiserver", "apiserver-etcd-client", "apiserver-kubelet-client", "front-proxy-client")
    ),
    *(f"/etc/kubernetes/pki/{name}" for name in ("admin", "controller-manager", "scheduler")),
)
UNITS = ("etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
MADE = ("/etc/etcd", "/etc/kubernetes", "/etc/haproxy", "/etc/keepalived", "/etc/systemd/system", "/var/lib/etcd")
ETCDCTL = (
    *("env", "ETCDCTL_API=3", "etcdctl", "--endpoints=https://127.0.0.1:2379", "--cacert=/etc/etcd/pki/ca.crt"),
    *("--cert=/etc/etcd/pki/client.crt", "--key=/etc/etcd/pki/client.key"),
)
KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")


def on(lab: Lab, host: str, *argv: str) -> str:
    result = lab.exec(host, *argv)
    assert result.returncode == 0, f"{host}: {argv}: {result.stdout}{result.stderr}"
    return result.stdout


def state(lab: Lab, host: str) -> dict[str, str]:
    """Every file that bootstrap cares for, with times and content, and every service's process."""
    files = on(lab, host, "find", *MADE[:5], "-printf", "%p %i %m %U:%G %T@ %C@\\n")
    units = on(lab, host, "systemctl", "show", "-p", "Id,MainPID,NRestarts,ExecMainStartTimestampMonotonic", *UNITS)
    return {"files": "\n".join(sorted(files.splitlines())), "units": units}


def test_the_run_ends_well_and_within_its_time(first: list[dict[str, Any]]) -> None:
    assert first[0]["event"] == "run-started"
    assert set(outcomes(first).values()) == {"done", "already"}
    ending = first[-1]
    assert (ending["event"], ending["outcome"], ending["failed"]) == ("run-done", "done", 0)
    assert len(outcomes(first)) == first[0]["steps"]


@pytest.mark.usefixtures("first")
def test_etcd_by_etcdctl(program: Program) -> None:
    document = json.loads(on(program.lab, "cp2", *ETCDCTL, "member", "list", "-w", "json"))
    assert sorted(member["name"] for member in document["members"]) == list(HOSTS)
    assert all(url.startswith("https://") for member in document["members"] for url in member["clientURLs"])
    health = json.loads(on(program.lab, "cp3", *ETCDCTL, "endpoint", "health", "--cluster", "-w", "json"))
    assert [one["health"] for one in health] == [True] * 3


@pytest.mark.usefixtures("first")
def test_etcd_talks_to_nobody_without_a_certificate(program: Program) -> None:
    address = program.lab.spec.host("cp1").address
    for port in (2379, 2380):
        request = f"echo | timeout 5 openssl s_client -connect {address}:{port} -tls1_2 2>&1"
        message = program.lab.exec("cp1", "sh", "-c", request).stdout
        assert (
            "alert bad certificate" in message
            or "alert handshake failure" in message
            or "alert certificate required" in message
        )


@pytest.mark.usefixtures("first")
def test_the_vip_by_ip(program: Program) -> None:
    vip = program.lab.spec.vip
    holders = [host for host in HOSTS if vip in on(program.lab, host, "ip", "-4", "-o", "address")]
    assert len(holders) == 1


@pytest.mark.usefixtures("first")
def test_haproxy_by_socat(program: Program) -> None:
    for host in HOSTS:
        output = on(program.lab, host, "sh", "-c", "echo 'show stat' | socat - UNIX:/run/haproxy/admin.sock")
        rows = [line.split(",") for line in output.splitlines() if line.startswith("k8s_server_6443,cp")]
        assert {row[1]: row[17] for row in rows} == dict.fromkeys(HOSTS, "UP")


@pytest.mark.usefixtures("first")
async def test_kubernetes_by_kubectl_through_the_vip(program: Program) -> None:
    lab = program.lab
    assert f"https://{lab.spec.vip}:8443" in on(lab, "cp1", *KUBECTL, "config", "view")
    assert on(lab, "cp1", *KUBECTL, "get", "--raw", "/readyz") == "ok"
    leases = json.loads(on(lab, "cp3", *KUBECTL, "-n", "kube-system", "get", "leases", "-o", "json"))["items"]
    holders = {lease["metadata"]["name"]: lease["spec"]["holderIdentity"].split("_")[0] for lease in leases}
    for name in ("kube-controller-manager", "kube-scheduler"):
        assert holders[name] in HOSTS
    on(lab, "cp2", *KUBECTL, "create", "namespace", "made-by-a-test")
    account = (*KUBECTL, "-n", "made-by-a-test", "get", "serviceaccount", "default")
    await eventually(lambda: lab.exec("cp1", *account).returncode == 0, within_s=20)
    on(lab, "cp2", *KUBECTL, "delete", "namespace", "made-by-a-test", "--wait=false")


@pytest.mark.usefixtures("first")
def test_every_service_starts_with_its_host(program: Program) -> None:
    for host in HOSTS:
        assert set(on(program.lab, host, "systemctl", "is-enabled", *UNITS).split()) == {"enabled"}
        assert on(program.lab, host, "systemctl", "--failed", "--no-legend") == ""


@pytest.mark.usefixtures("first")
def test_certificates_verify_by_openssl_and_each_key_is_its_own(program: Program) -> None:
    readings: set[str] = set()
    for host in HOSTS:
        for leaf in LEAVES:
            folder = leaf.rpartition("/")[0]
            ca = f"{folder}/front-proxy-ca.crt" if "front-proxy" in leaf else f"{folder}/ca.crt"
            ca = "/etc/etcd/pki/ca.crt" if leaf.endswith("etcd-client") else ca
            assert on(program.lab, host, "openssl", "verify", "-CAfile", ca, f"{leaf}.crt").endswith(": OK\n")
            of_key = on(program.lab, host, "openssl", "pkey", "-in", f"{leaf}.key", "-pubout")
            assert of_key == on(program.lab, host, "openssl", "x509", "-in", f"{leaf}.crt", "-noout", "-pubkey")
            assert of_key not in readings
            readings.add(of_key)
            assert on(program.lab, host, "stat", "-c", "%a", f"{leaf}.key") == "600\n"


@pytest.mark.usefixtures("first")
def test_the_authorities_are_the_same_everywhere(program: Program) -> None:
    for name in ("/etc/etcd/pki/ca", "/etc/kubernetes/pki/ca", "/etc/kubernetes/pki/front-proxy-ca"):
        for file in (f"{name}.crt", f"{name}.key"):
            assert len({on(program.lab, host, "sha256sum", file) for host in HOSTS}) == 1
        assert {on(program.lab, host, "stat", "-c", "%a %U", f"{name}.key") for host in HOSTS} == {"600 root\n"}
    for file in ("sa.key", "sa.pub"):
        assert len({on(program.lab, host, "sha256sum", f"/etc/kubernetes/pki/{file}") for host in HOSTS}) == 1


@pytest.mark.usefixtures("first")
def test_no_secret_leaves_its_place(program: Program) -> None:
    """Neither the records here nor what hosts keep beside the files hold a private key, and run folders are gone."""
    lab, records = program.lab, program.journals()
    assert "PRIVATE KEY" not in records
    keys = [f"{leaf}.key" for leaf in LEAVES]
    secret = {
        host: [line for line in on(lab, host, "cat", *keys).splitlines() if "-----" not in line] for host in HOSTS
    }
    for host in HOSTS:
        assert not [line for line in secret[host] if line in records]
        places = ("/etc", "/var/lib", "/var/log", "/tmp", "/root", "/home", "/run")
        search = ("grep", "-rlFs", *(word for line in secret[host] for word in ("-e", line)), *places)
        assert sorted(on(lab, host, *search).split()) == sorted(keys)
        assert [other for other in HOSTS if other != host and lab.exec(other, *search).stdout] == []
        assert lab.exec(host, "ls", "/run/haconsole").returncode != 0


@pytest.mark.usefixtures("first")
def test_a_second_run_changes_nothing(program: Program) -> None:
    before = {host: state(program.lab, host) for host in HOSTS}
    events = program.events("bootstrap")
    assert set(outcomes(events).values()) == {"already"}
    assert (events[-1]["outcome"], events[-1]["changed"]) == ("already", 0)
    assert {host: state(program.lab, host) for host in HOSTS} == before


@pytest.mark.usefixtures("first")
def test_a_balancer_file_changed_by_hand_is_refused_and_the_printed_command_lets_it_be_written(
    program: Program,
) -> None:
    lab = program.lab
    on(lab, "cp2", "sh", "-c", "echo '# by hand' >>/etc/haproxy/haproxy.cfg")
    refused = program("run", "bootstrap", "--yes", "--json")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    changed, only = json.loads(refused.stdout)["reasons"]
    assert changed.startswith("/etc/haproxy/haproxy.cfg on cp2 was changed since haconsole wrote it"), changed
    assert "only = etcd" in only
    assert "# by hand" in on(lab, "cp2", "cat", "/etc/haproxy/haproxy.cfg")

    pids = on(lab, "cp2", "systemctl", "show", "-p", "MainPID", "etcd", "kube-apiserver")
    on(lab, "cp2", *changed.rpartition(": ")[2].split())
    events = program.events("bootstrap")
    results = {step for step, outcome in outcomes(events).items() if outcome == "done"}
    assert {"haproxy.config@cp2", "haproxy.start@cp2"} <= results
    assert not [step for step in results if not step.startswith(("haproxy.", "verify."))]
    assert "# by hand" not in on(lab, "cp2", "cat", "/etc/haproxy/haproxy.cfg")
    assert "# by hand" in on(lab, "cp2", "cat", "/etc/haproxy/haproxy.cfg.before")
    assert on(lab, "cp2", "systemctl", "show", "-p", "MainPID", "etcd", "kube-apiserver") == pids


def test_one_component_only_and_a_stop_in_the_middle(make_lab: LabMaker, tmp_path: Path) -> None:
    """Ctrl-C ends after the running steps and shows how to continue, and the next run continues."""
    program = Program(make_lab(kubernetes=False), tmp_path)
    command = program.command("run", "bootstrap", "--only", "etcd", "--yes")
    with subprocess.Popen(
        command, env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("[") and "Install the etcd CA" in line:
                running.send_signal(signal.SIGINT)
                break
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, out + err
    (record,) = (tmp_path / "haconsole" / "runs").iterdir()
    assert f"haconsole resume {record.stem}" in out
    states = {one.state for one in read_run(record).steps}
    assert states == {StepState.VERIFIED, StepState.ALREADY, StepState.NOT_STARTED}
    second = outcomes(program.events("bootstrap", "--only", "etcd"))
    assert second["pki.etcd-ca@cp1"] == "already"
    assert second["etcd.start@cp1"] == "done"
    assert not [step for step in second if step.startswith(("haproxy", "keepalived", "kube"))]
    health = json.loads(on(program.lab, "cp1", *ETCDCTL, "endpoint", "health", "--cluster", "-w", "json"))
    assert [one["health"] for one in health] == [True] * 3


def test_another_clusters_data_is_refused_by_name_and_kept(make_lab: LabMaker, tmp_path: Path) -> None:
    program = Program(make_lab(kubernetes=False), tmp_path)
    data = "/var/lib/etcd/member/snap/db"
    on(program.lab, "cp2", "sh", "-c", f"mkdir -p {data.rpartition('/')[0]} && echo precious >{data}")
    refused = program("run", "bootstrap", "--only", "etcd", "--yes")
    assert refused.returncode in (4, 6)
    assert "cp2" in refused.stdout + refused.stderr
    assert "/var/lib/etcd/member" in refused.stdout + refused.stderr
    assert on(program.lab, "cp2", "cat", data) == "precious\n"
    for host in HOSTS:
        assert program.lab.exec(host, "ls", "/etc/etcd/pki").returncode != 0
