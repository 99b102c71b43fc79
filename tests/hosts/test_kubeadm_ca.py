"""The CAs and service-account keys of a kubeadm cluster are replaced, and nothing of the old ones remains."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from haconsole.errors import ExitCode
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from tests.hosts.conftest import Tell
from tests.hosts.kubeadm_cluster import ADMIN, control_planes, kubectl, output, wait_healthy, without_probes, workers
from tests.hosts.kubeadm_doctor import discovered, healed
from tests.hosts.kubeadm_load import EndpointReader, EndpointWriter
from tests.hosts.load import Counts
from tests.hosts.program import Program
from tests.hosts.rotation import certs, sound
from tests.hosts.test_kubeadm_rotation import MANIFESTS, killed_at, tidy

pytestmark = [
    pytest.mark.timeout(3000), pytest.mark.nightly, pytest.mark.filterwarnings("ignore:Parsed a serial number")
]  # fmt: skip
PKI = "/etc/kubernetes/pki"
CAS = {"kubernetes-ca": f"{PKI}/ca.crt", "front-proxy-ca": f"{PKI}/front-proxy-ca.crt", "etcd-ca": f"{PKI}/etcd/ca.crt"}
APP = """
kind: Deployment
apiVersion: apps/v1
metadata: {name: app}
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: pause, image: "IMAGE"}]
"""


@pytest.fixture
def cluster(places: Places, saved_kubeadm: str, tmp_path: Path) -> Iterator[Program]:
    lab = Lab(Path(saved_kubeadm).name, places=places)
    try:
        lab.up_from(saved_kubeadm)
        wait_healthy(lab)
        without_probes(lab)
        for workload in ("daemonset/kube-proxy", "deployment/coredns"):  # the first step refuses those that only start
            status = ("rollout", "status", workload, "--timeout=180s")
            output(lab, "cp1", "kubectl", f"--kubeconfig={ADMIN}", "-n", "kube-system", *status, deadline_s=200)
        program = Program(lab, tmp_path / "state")
        yield Program(lab, tmp_path / "state", discovered(program, lab.spec.host("cp1").address, tmp_path / "found"))
    finally:
        lab.down()


def test_every_ca_is_replaced_under_load_and_the_console_is_killed(
    cluster: Program, tmp_path: Path, tell: Tell
) -> None:
    """A pod of another namespace stops the last phase; all workloads are restarted then.

    Once every host has dropped the old CAs, the console is killed, and another one finishes by the hosts' files.
    """
    lab, before = cluster.lab, read_authorities(cluster)
    keys = {name: line_of(lab, path) for name, path in CAS.items()}
    start_app(lab)
    old = token(lab)
    with loads(lab, tmp_path / "old", tmp_path) as counts:
        began = time.monotonic()
        run = killed_at(cluster, "kubernetes.control-plane-trust", "rotate-certs", "--ca")
        stopped = cluster.verb("resume", run, "--yes", "--json")
    tell(f"new CAs trusted, leaves signed: {time.monotonic() - began:.0f} s", **counts)
    assert stopped.returncode != 0
    text = stopped.stdout[-3000:] + stopped.stderr[-3000:]
    assert failed_steps(stopped.stdout) == ["kubernetes.credentials@cp1"], text
    assert "pod default app-" in stopped.stdout
    assert "pod kube-system" not in stopped.stdout
    assert accepts(lab, old), "nothing is dropped while a pod needs it"
    with loads(lab, tmp_path / "new", tmp_path) as counts:
        began = time.monotonic()
        run = killed_at(cluster, "kubernetes.cluster-info-drop", "rotate-certs", "--ca", "--workloads", "all")
        other = Program(lab, tmp_path / "elsewhere", cluster.inventory)
        refusal = other("run", "rotate-certs", "--yes", "--take-over-lock", run)
        result = other("run", "rotate-certs", "--ca", "--yes", "--json", "--take-over-lock", run)
    tell(f"old CAs dropped: {time.monotonic() - began:.0f} s", **counts)
    assert refusal.returncode == ExitCode.REFUSED, refusal.stdout + refusal.stderr
    assert "a CA rotation is unfinished" in refusal.stdout + refusal.stderr
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    started = (json.loads(line) for line in result.stdout.splitlines())
    assert not [one for one in started if one["event"] == "step-started" and "-next@" in one["step"]], "no further CA"
    only_new(cluster, before, keys, old)


def test_the_kubernetes_cas_and_token_keys_are_replaced_in_one_run(
    cluster: Program, tmp_path: Path, tell: Tell
) -> None:
    """A control plane leaves and joins again with the new CAs."""
    lab, before = cluster.lab, read_authorities(cluster)
    keys = {name: line_of(lab, path) for name, path in CAS.items() if name != "etcd-ca"}
    start_app(lab)
    old = token(lab)
    began = time.monotonic()
    cluster.events("rotate-certs", "--ca", "--scope", "kubernetes", "--workloads", "all")
    tell(f"Kubernetes and front-proxy CAs, token keys: {time.monotonic() - began:.0f} s")
    only_new(cluster, before, keys, old)
    assert read_authorities(cluster)["etcd-ca"] == before["etcd-ca"]
    for action in ("remove", "join"):
        began = time.monotonic()
        cluster.events(action, "cp3")
        tell(f"{action} cp3 with the new CAs: {time.monotonic() - began:.0f} s")
    only_new(cluster, before, keys, old)


def test_a_replacement_is_undone_before_its_last_phase(cluster: Program, tmp_path: Path, tell: Tell) -> None:
    lab, before = cluster.lab, read_authorities(cluster)
    old, key = token(lab), output(lab, "cp1", "cat", f"{PKI}/sa.pub")
    for phase in ("trust", "leaves"):
        began = time.monotonic()
        cluster.events("rotate-certs", "--ca", "--scope", "kubernetes", "--phase", phase)
        tell(f"phase {phase}: {time.monotonic() - began:.0f} s")
    new = token(lab, "kube-system")
    assert accepts(lab, new)
    began = time.monotonic()
    run = killed_at(cluster, "pki.kubernetes-ca-alone", "rotate-certs", "--ca", "--back")
    result = cluster.verb("resume", run, "--yes", "--json")
    tell(f"back: {time.monotonic() - began:.0f} s")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert read_authorities(cluster) == before
    assert output(lab, "cp1", "cat", f"{PKI}/sa.pub") == key
    assert not accepts(lab, new)
    assert accepts(lab, old)
    assert accepts(lab, token(lab, "kube-system"))
    managers(lab)
    sound(read_certs(cluster))
    tidy(lab)
    healed(cluster)


def test_a_control_plane_leaves_between_the_phases_and_joins_after_the_last(
    cluster: Program, tmp_path: Path, tell: Tell
) -> None:
    """A host that joins before the last phase would lack the new CA, so its join is refused."""
    lab, before = cluster.lab, read_authorities(cluster)
    keys = {name: line_of(lab, path) for name, path in CAS.items() if name != "etcd-ca"}
    old = token(lab)
    smaller = Program(lab, cluster.state, tmp_path / "smaller.yaml")
    smaller.inventory.write_text(cluster.inventory.read_text())
    scope = ("--ca", "--scope", "kubernetes")
    cluster.events("rotate-certs", *scope, "--phase", "trust")
    began = time.monotonic()
    smaller.events("remove", "cp3", "--update-inventory")
    tell(f"remove cp3 while both CAs are trusted: {time.monotonic() - began:.0f} s")
    refusal = cluster("run", "join", "cp3", "--yes")
    assert refusal.returncode == ExitCode.REFUSED, refusal.stdout + refusal.stderr
    assert "a CA rotation is unfinished, so cp3 would join" in refusal.stdout + refusal.stderr
    began = time.monotonic()
    smaller.events("rotate-certs", *scope, "--workloads", "all")
    tell(f"the other phases on two control planes: {time.monotonic() - began:.0f} s")
    cluster.events("join", "cp3")
    only_new(cluster, before, keys, old)


def only_new(program: Program, before: dict[str, set[str]], keys: dict[str, str], old: str) -> None:
    """Each CA of `keys` is another one, of which nothing is left, and the old token is rejected."""
    lab, after = program.lab, read_authorities(program)
    for role in keys:
        assert len(after[role]) == 1
        assert after[role] != before[role]
    assert not accepts(lab, old)
    assert accepts(lab, token(lab))
    assert traces(lab, keys) == []
    managers(lab)
    healed(program)
    sound(read_certs(program))
    tidy(lab)


def read_certs(program: Program) -> dict[str, Any]:
    """The report on all certificates, once a busy machine lets all of them be read."""
    end = time.monotonic() + 300
    while (report := certs(program))["unread"]:
        assert time.monotonic() < end, report["unread"]
        time.sleep(2.0)
    return report


def read_authorities(program: Program) -> dict[str, set[str]]:
    """The fingerprints of each CA over all hosts."""
    authorities = [one for one in read_certs(program)["certificates"] if one["is_ca"]]
    roles = {one["role"] for one in authorities}
    return {role: {one["fingerprint"] for one in authorities if one["role"] == role} for role in roles}


class loads:  # noqa: N801 -- used like a function
    """A writer and a reader through the endpoint, with the current identity of admin.conf.

    The logs below `runs` show the steps beside each failed request.
    """

    def __init__(self, lab: Lab, folder: Path, runs: Path) -> None:
        self._stack = ExitStack()
        self._lab, self._folder, self._runs = lab, folder, runs

    def __enter__(self) -> dict[str, Counts]:
        kinds = {"writes": EndpointWriter, "reads": EndpointReader}
        counts = {n: self._stack.enter_context(kind(self._lab, self._folder / n)) for n, kind in kinds.items()}
        for one in counts.values():
            one.runs = self._runs
        return counts

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def start_app(lab: Lab) -> None:
    """A Deployment outside of kube-system, whose pod has a token mounted."""
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    image = kubectl(lab, "cp1", "-n", "kube-system", "get", "deployment", "coredns", "-o", path)
    script = f"kubectl --kubeconfig={ADMIN} apply -f - <<'END'\n{APP.replace('IMAGE', image)}\nEND"
    output(lab, "cp1", "sh", "-c", script)
    end = time.monotonic() + 90
    while "1/1" not in kubectl(lab, "cp1", "get", "deployment", "app"):
        assert time.monotonic() < end
        time.sleep(1.0)


def token(lab: Lab, namespace: str = "default") -> str:
    """A token that pods mount."""
    kind = "--field-selector=type=kubernetes.io/service-account-token"
    data = kubectl(lab, "cp1", "-n", namespace, "get", "secrets", kind, "-o", "jsonpath={.items[0].data.token}")
    return b64decode(data).decode()


def accepts(lab: Lab, bearer: str) -> bool:
    """Whether every API server accepts the token."""
    codes = set()
    for name in control_planes(lab):
        url = f"https://{lab.spec.host(name).address}:6443/api"
        argv = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", f"{PKI}/ca.crt")
        codes.add(output(lab, name, *argv, "-H", f"Authorization: Bearer {bearer}", url))
    assert codes in ({"200"}, {"401"}), codes
    return codes == {"200"}


def failed_steps(events: str) -> list[str]:
    results = (json.loads(line) for line in events.splitlines())
    return [one["step"] for one in results if one["event"] == "step-done" and one["outcome"] == "failed"]


def line_of(lab: Lab, path: str) -> str:
    """A line of base64 that only this certificate has."""
    return output(lab, "cp1", "cat", path).splitlines()[-3]


def traces(lab: Lab, keys: dict[str, str]) -> list[str]:
    """Where the old CAs still are, in files and in the API; backups, whose names begin with a dot, do not count."""
    rest = []
    find = "find /etc/kubernetes /var/lib/kubelet/pki /var/lib/kubelet/config.yaml -type f ! -name '.*'"
    for host in (*control_planes(lab), *workers(lab)):
        for path in output(lab, host, "sh", "-c", find).split():
            text = output(lab, host, "cat", path)
            rest += [f"{host}:{path}: {name}" for name, line in keys.items() if mentions(text, line)]
    for kind in ("configmaps", "secrets", "apiservices,validatingwebhookconfigurations"):
        for one in json.loads(kubectl(lab, "cp1", "get", kind, "-A", "-o", "json"))["items"]:
            place = f"{one['kind']} {one['metadata'].get('namespace')}/{one['metadata']['name']}"
            rest += [f"{place}: {name}" for name, line in keys.items() if mentions(json.dumps(values(one)), line)]
    return rest


def values(item: dict[str, Any]) -> list[str]:
    return [f"{item.get('spec', '')}", *(str(value) for value in (item.get("data") or {}).values())]


def mentions(text: str, line: str) -> bool:
    """The line is in the text, or in what a long word of it encodes."""
    words = (word for word in text.replace('"', " ").replace("\\n", " ").split() if len(word) > 400)
    return line in text or any(line in decoded(word) for word in words)


def decoded(word: str) -> str:
    try:
        return b64decode(word, validate=True).decode("latin-1")
    except ValueError:
        return ""


def managers(lab: Lab) -> None:
    """kube-controller-manager signs with the CA's file, and no other file of a replacement is left."""
    for name in control_planes(lab):
        manager = output(lab, name, "cat", f"{MANIFESTS}/kube-controller-manager.yaml")
        assert f"--cluster-signing-cert-file={PKI}/ca.crt" in manager
        files = output(lab, name, "find", PKI, "!", "-name", ".*", "-type", "f").split()
        assert [one for one in files if "-next" in one or "-signing" in one or "-previous" in one] == []
