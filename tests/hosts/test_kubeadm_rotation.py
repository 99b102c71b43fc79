"""Certificates of a kubeadm cluster rotated while a client writes, and recovered once all of them have expired."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.pki.authority import Authority
from haconsole.pki.bundle import load_certificate
from haconsole.pki.keys import PrivateKey, load_public_key
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.pki.names import sans_of
from tests.hosts.kubeadm_cluster import ADMIN, control_planes, etcdctl, kubectl, output, wait_healthy, workers
from tests.hosts.kubeadm_doctor import discovered, healed
from tests.hosts.kubeadm_load import EndpointWriter
from tests.hosts.program import Program, outcomes
from tests.hosts.rotation import certs, leaves, sound

pytestmark = [pytest.mark.timeout(1500), pytest.mark.filterwarnings("ignore:Parsed a serial number")]
MANIFESTS = "/etc/kubernetes/manifests"
KEPT = "/var/lib/haconsole/static-pods"
ROLES = 10
"""Leaves of a control plane without kubelet's."""


@pytest.fixture(scope="module")
def cluster(places: Places, saved_kubeadm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The restored cluster, shared by the tests of this file; each leaves it healthy."""
    lab = Lab(Path(saved_kubeadm).name, places=places)
    try:
        lab.up_from(saved_kubeadm)
        wait_healthy(lab)
        folder = tmp_path_factory.mktemp("state")
        program = Program(lab, folder)
        yield Program(lab, folder, discovered(program, lab.spec.host("cp1").address, folder / "found.yaml"))
    finally:
        lab.down()


def fingerprints(program: Program) -> dict[tuple[str, str], str]:
    return {name: one["fingerprint"] for name, one in leaves(certs(program)).items()}


def processes(lab: Lab, program: str) -> dict[str, str]:
    return {name: lab.exec(name, "pidof", program).stdout.strip() for name in control_planes(lab)}


def tidy(lab: Lab) -> None:
    """No manifest is out of its folder, and no other file is in there."""
    for name in control_planes(lab):
        files = output(lab, name, "ls", "-A", MANIFESTS).split()
        assert [one for one in files if not one.endswith(".yaml")] == [], name
        assert len(files) == 4, files
        assert lab.exec(name, "sh", "-c", f"ls {KEPT}/*.yaml").returncode != 0
        assert lab.exec(name, "test", "-e", "/etc/tmpfiles.d/haconsole-static-pods.conf").returncode != 0


def test_every_leaf_under_writes_through_the_endpoint(cluster: Program, tmp_path: Path) -> None:
    lab = cluster.lab
    before, members = fingerprints(cluster), processes(lab, "etcd")
    with EndpointWriter(lab, tmp_path) as writes:
        began = time.monotonic()
        cluster.events("rotate-certs")
        took = time.monotonic() - began
    report = certs(cluster)
    after = {name: one["fingerprint"] for name, one in leaves(report).items()}
    print(f"{len(control_planes(lab)) * ROLES} leaves of three masters: {took:.1f} s; writes: {writes}")
    sound(report)
    renewed = {name for name in after if name[1] != "kubelet"}
    assert len(renewed) == len(control_planes(lab)) * ROLES
    assert {name for name in renewed if after[name] == before[name]} == set()
    assert processes(lab, "etcd") == members, "etcd reloads its certificates"
    tidy(lab)
    healed(cluster)


def test_one_host_and_its_undo(cluster: Program) -> None:
    lab, before = cluster.lab, fingerprints(cluster)
    events = cluster.events("rotate-certs", "--host", "cp2")
    assert {name[0] for name, one in fingerprints(cluster).items() if one != before[name]} == {"cp2"}
    result = cluster.verb("undo", events[0]["run"], "--yes")
    assert result.returncode == 0, result.stdout + result.stderr
    assert fingerprints(cluster) == before
    tidy(lab)
    healed(cluster)


@pytest.mark.nightly
def test_a_console_killed_in_the_middle_is_resumed(cluster: Program) -> None:
    """Killed when a static pod restarts: the host finishes, and the resumed run does the rest."""
    lab, before = cluster.lab, fingerprints(cluster)
    run = killed_at(cluster, "kubernetes.clients-client", "rotate-certs")
    result = cluster.verb("resume", run, "--yes")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    after = fingerprints(cluster)
    assert {name for name in after if name[1] != "kubelet" and after[name] == before[name]} == set()
    tidy(lab)
    healed(cluster)


@pytest.mark.nightly
def test_each_static_pod_is_restarted(cluster: Program, tmp_path: Path) -> None:
    lab = cluster.lab
    for service in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        before = processes(lab, service)
        with EndpointWriter(lab, tmp_path) as writes:
            began = time.monotonic()
            cluster.events("restart", service, "cp2")
            took = time.monotonic() - began
        print(f"restart {service} cp2: {took:.1f} s; writes: {writes}")
        after = processes(lab, service)
        assert [name for name in after if after[name] != before[name]] == ["cp2"]
        tidy(lab)
    healed(cluster)


@pytest.mark.nightly
def test_leader_storage_and_backup(cluster: Program, tmp_path: Path) -> None:
    """None of them needs etcdctl on the host."""
    lab = cluster.lab
    for name in control_planes(lab):
        output(lab, name, "sh", "-c", "mv $(command -v etcdctl) /root/etcdctl.moved")
    try:
        cluster.events("move-leader", "cp2")
        cluster.events("defrag")
        events = cluster.events("backup", "--output", str(tmp_path / "snapshot.db"))
    finally:
        for name in control_planes(lab):
            output(lab, name, "mv", "/root/etcdctl.moved", "/usr/bin/etcdctl")
    assert "etcd.snapshot" in "".join(outcomes(events))
    assert (tmp_path / "snapshot.db").stat().st_size > 1 << 20
    healed(cluster)


@pytest.mark.nightly
def test_expired_certificates_of_all_are_recovered(cluster: Program) -> None:
    """kubelet's too: it does not start with an expired pair, and static pods need it."""
    lab = cluster.lab
    expire_all(cluster)
    assert {one["days_left"] < 0 for one in leaves(certs(cluster)).values()} == {True}
    began = time.monotonic()
    cluster.events("rotate-certs", "--due")
    print(f"recovered from expired certificates on every host: {time.monotonic() - began:.1f} s")
    wait_healthy(lab)
    sound(certs(cluster))
    tidy(lab)
    healed(cluster)


@pytest.mark.nightly
def test_the_etcd_ca_is_replaced_under_writes(cluster: Program, tmp_path: Path) -> None:
    lab, before = cluster.lab, authorities(cluster)
    with EndpointWriter(lab, tmp_path) as writes:
        began = time.monotonic()
        result = cluster("run", "rotate-certs", "--ca", "--scope", "etcd", "--yes", "--json", deadline_s=1200)
        took = time.monotonic() - began
    print(f"etcd's CA: {took:.1f} s; writes: {writes}")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    after = authorities(cluster)
    assert after["etcd-ca"] != before["etcd-ca"]
    assert len(after["etcd-ca"]) == 1
    assert after["kubernetes-ca"] == before["kubernetes-ca"]
    sound(certs(cluster))
    tidy(lab)
    healed(cluster)


@pytest.mark.nightly
def test_the_data_is_restored_as_one_new_cluster(cluster: Program) -> None:
    """Two of three members have lost their data, so the quorum is lost permanently."""
    lab = cluster.lab
    kubectl(lab, "cp1", "create", "configmap", "kept", "--from-literal=when=before")
    (step,) = (event["step"] for event in cluster.events("backup") if event["event"] == "step-done")
    host = step.partition("@")[2]
    path = output(lab, host, "sh", "-c", "ls -t /var/lib/etcd-snapshots/*.db | head -1").strip()
    kubectl(lab, "cp1", "create", "configmap", "lost")
    before = etcdctl(lab, host, "endpoint", "status", "-w", "json")[1]
    for name in control_planes(lab):
        if name != host:
            output(lab, name, "sh", "-c", "rm -rf /var/lib/etcd/member; pkill -9 -x etcd")
    name = json.loads(cluster("plan", "restore", f"{host}:{path}", "--json").stdout)["cluster"]
    began = time.monotonic()
    result = cluster("run", "restore", f"{host}:{path}", "--confirm", name, "--json", deadline_s=900)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    print(f"restored: {time.monotonic() - began:.1f} s")
    wait_healthy(lab)
    assert "before" in kubectl(lab, "cp1", "get", "configmap", "kept", "-o", "yaml")
    assert lab.exec("cp1", "kubectl", f"--kubeconfig={ADMIN}", "get", "configmap", "lost").returncode != 0
    after = etcdctl(lab, host, "endpoint", "status", "-w", "json")[1]
    ids = [re.search(r'"cluster_id":(\d+)', text) for text in (before, after)]
    assert ids[0]
    assert ids[1]
    assert ids[0][1] != ids[1][1]
    for each in control_planes(lab):
        assert output(lab, each, "sh", "-c", "ls -d /var/lib/etcd/member.before-restore-*").strip()
    tidy(lab)
    healed(cluster)


def authorities(program: Program) -> dict[str, set[str]]:
    """The fingerprints of each CA over all hosts."""
    result: dict[str, set[str]] = {}
    for one in certs(program)["certificates"]:
        if one["is_ca"]:
            result.setdefault(one["role"], set()).add(one["fingerprint"])
    return result


def killed_at(program: Program, step: str, action: str, *words: str) -> str:
    """SIGKILL when the first step of that name begins; returns the run."""
    run = ""
    with subprocess.Popen(
        program.command("run", action, *words, "--yes", "--json"),
        env=program.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            event = json.loads(line)
            run = str(event.get("run", run))
            if event["event"] == "step-started" and event["step"].startswith(step):
                running.send_signal(signal.SIGKILL)
                break
        else:
            pytest.fail(f"the run had no step {step}")
        running.communicate(timeout=60)
    return run


def expire_all(program: Program) -> None:
    """Replace every leaf by one that ended a month ago, kubelet's included, and restart all that use them."""
    lab, report = program.lab, certs(program)
    authorities = {one["fingerprint"]: one["path"] for one in report["certificates"] if one["is_ca"]}
    for (host, _), leaf in leaves(report).items():
        _expire(lab, host, leaf, authorities[leaf["issued_by"]])
    for name in (*control_planes(lab), *workers(lab)):
        lab.exec(name, "systemctl", "restart", "--no-block", "kubelet")
    for name in control_planes(lab):
        lab.exec(name, "pkill", "-x", "etcd")
        lab.exec(name, "pkill", "-f", "^kube-apiserver")


def _expire(lab: Lab, host: str, leaf: dict[str, Any], ca_path: str) -> None:
    signer = control_planes(lab)[0]
    authority = Authority(
        output(lab, signer, "cat", ca_path).encode(),
        PrivateKey(output(lab, signer, "cat", ca_path.replace(".crt", ".key")).encode()),
    )
    text = output(lab, host, "cat", leaf["path"]).encode()
    if leaf["role"] != "kubelet" and b"client-certificate-data" in text:
        old = next(line for line in text.splitlines() if b"client-certificate-data" in line).split()[-1]
        new = b64encode(_ended(b64decode(old), authority))
        put(lab, host, leaf["path"], text.replace(old, new))
    elif leaf["role"] == "kubelet":
        key = text[text.index(b"-----BEGIN", text.index(b"-----END CERTIFICATE")) :]
        put(lab, host, output(lab, host, "readlink", "-f", leaf["path"]).strip(), _ended(text, authority) + key)
    else:
        put(lab, host, leaf["path"], _ended(text, authority))


def put(lab: Lab, host: str, path: str, data: bytes) -> None:
    """Write the file from inside the host: some folders of kubeadm hosts are mounted there."""
    output(lab, host, "sh", "-c", f"echo {b64encode(data).decode()} | base64 -d >{path}")


def _ended(pem: bytes, authority: Authority) -> bytes:
    certificate = load_certificate(pem)
    names = {attribute.oid._name: str(attribute.value) for attribute in certificate.subject}
    leaf = Leaf(
        names["commonName"],
        tuple(value for name, value in names.items() if name == "organizationName"),
        sans_of(certificate),
    )
    public = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    issued = datetime.now(UTC) - timedelta(days=395)
    return sign_leaf(authority, leaf, load_public_key(public), days=365, now=issued)
