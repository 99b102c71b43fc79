"""Rotations of kubelets' certificates, and of kubeconfigs with an embedded pair or CA."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.checks import NodeRenewed
from haconsole.actions.operations import IssueCertificate, RunCommand
from haconsole.actions.rotation.scripts import NAME_FILES, NAMES_FILES
from haconsole.actions.step import Plan, Refusal
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.certificate import Certificate
from haconsole.model.hosts import HostFacts, Reach, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.certified import OLD, certificate, certified
from tests.fakes.cluster import INVENTORY, NOW

CA = "/etc/kubernetes/pki/ca.crt"
WORKER = Host(name="w1", address="10.99.0.21", roles=(Role.WORKER,))
WITH_WORKER = msgspec.structs.replace(INVENTORY, hosts=(*INVENTORY.hosts, WORKER))


def kubelet(host: str, path: str, key: str | None, *, inside: bool = False) -> Certificate:
    one = certificate(
        Host(name=host, address="10.99.0.1", roles=(Role.WORKER,)), "kubelet", path, f"kubelet@{host}-{OLD}"
    )
    return replace(
        one,
        subject=f"CN=system:node:{host},O=system:nodes",
        key_path=key,
        key_matches=True,
        chain_ok=True,
        issued_by=f"kubernetes-ca-{OLD}",
        in_kubeconfig=inside,
    )


def named_ca(host: str, role: str, path: str, *, inside: bool = False) -> Certificate:
    one = certificate(
        Host(name=host, address="10.99.0.1", roles=(Role.WORKER,)), role, path, f"kubernetes-ca-{OLD}", is_ca=True
    )
    return replace(one, in_kubeconfig=inside)


def snapshot_with(*more: Certificate, worker: tuple[Certificate, ...] | None = None) -> ClusterSnapshot:
    """A healthy cluster with `more` on its hosts, and what was read on a worker."""
    snapshot = certified()
    hosts = []
    for facts in snapshot.hosts:
        assert isinstance(facts.certificates, Known)
        mine = tuple(one for one in more if one.host == facts.host)
        hosts.append(replace(facts, certificates=Known((*facts.certificates.value, *mine), NOW)))
    if worker is not None:
        reach = Known(Reach(1.0), NOW)
        hosts.append(
            HostFacts(HostName("w1"), "10.99.0.21", (Role.WORKER,), reach=reach, certificates=Known(worker, NOW))
        )
    return replace(snapshot, hosts=tuple(hosts))


def plan(snapshot: ClusterSnapshot, inventory: Inventory = INVENTORY, **request: str) -> Plan:
    plan = plan_action("rotate-certs", snapshot, inventory, request)
    assert isinstance(plan, Plan), plan.reasons
    return plan


def refused(snapshot: ClusterSnapshot, inventory: Inventory = INVENTORY, **request: str) -> str:
    plan = plan_action("rotate-certs", snapshot, inventory, request)
    assert isinstance(plan, Refusal)
    return "; ".join(plan.reasons)


def test_a_kubelets_pair_is_replaced_in_its_files_under_its_name() -> None:
    result = plan(snapshot_with(kubelet("cp2", "/var/lib/kubelet/pki/client.crt", "/var/lib/kubelet/pki/client.key")))
    (step,) = (step for step in result.steps if step.id == "pki.kubelet@cp2")
    assert isinstance(step.operation, IssueCertificate)
    assert (step.operation.cert_path, step.operation.key_path) == (
        "/var/lib/kubelet/pki/client.crt",
        "/var/lib/kubelet/pki/client.key",
    )
    assert (step.operation.common_name, step.operation.organizations) == ("system:node:cp2", ("system:nodes",))
    assert step.operation.replaces == f"kubelet@cp2-{OLD}"
    assert not [step for step in result.steps if step.id.startswith("kubernetes.kubelet")], "kubelet reloads its files"


def test_a_pair_in_a_kubeconfig_goes_into_files_that_it_names_and_kubelet_is_restarted() -> None:
    result = plan(
        snapshot_with(kubelet("cp2", "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/kubelet.conf", inside=True))
    )
    ids = [str(step.id) for step in result.steps]
    places = [ids.index(f"{what}@cp2") for what in ("pki.kubelet", "pki.kubelet-named", "kubernetes.kubelet-client")]
    assert places == sorted(places)
    named = result.steps[places[1]].operation
    assert isinstance(named, RunCommand)
    assert named.argv[-3:] == (
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/pki/kubelet.crt",
        "/etc/kubernetes/pki/kubelet.key",
    )


def test_a_kubeconfig_of_the_control_plane_that_holds_its_pair_is_treated_alike() -> None:
    """The layout's files are absent, since who made the cluster embedded the pair."""
    conf = "/etc/kubernetes/scheduler.conf"

    def embed(one: Certificate) -> Certificate:
        if (one.host, one.role) != ("cp2", "scheduler"):
            return one
        return replace(one, path=conf, key_path=conf, in_kubeconfig=True)

    plan = plan_action("rotate-certs", certified(change=embed), INVENTORY, {})
    assert isinstance(plan, Plan)
    steps = {str(step.id): step for step in plan.steps}
    issue = steps["pki.scheduler@cp2"].operation
    assert isinstance(issue, IssueCertificate)
    assert issue.replaces == f"scheduler@cp2-{OLD}"
    assert {"pki.scheduler-named@cp2", "kubernetes.kube-scheduler-client@cp2"} <= set(steps)
    assert "pki.scheduler-named@cp1" not in steps


def test_a_pair_that_kubelet_renews_is_left_and_named() -> None:
    own = "/var/lib/kubelet/pki/kubelet-client-current.pem"
    result = plan(snapshot_with(kubelet("cp2", own, own)))
    assert "pki.kubelet@cp2" not in {step.id for step in result.steps}
    output = f"cp2: kubelet keeps its certificate in {own} and renews this certificate automatically"
    assert output in result.summary
    assert "before a CA rotation" not in result.summary
    assert output not in plan(snapshot_with(kubelet("cp2", own, own)), scope="etcd").summary


def test_a_new_ca_reaches_the_kubelets_of_control_planes_and_workers() -> None:
    pairs = (
        kubelet("cp2", "/var/lib/kubelet/pki/client.crt", "/var/lib/kubelet/pki/client.key"),
        kubelet("w1", "/var/lib/kubelet/pki/client.crt", "/var/lib/kubelet/pki/client.key"),
    )
    snapshot = snapshot_with(pairs[0], worker=(pairs[1], named_ca("w1", "kubelet-ca", CA)))
    result = plan(snapshot, WITH_WORKER, ca="yes")
    ids = [str(step.id) for step in result.steps]
    for step in ("pki.kubernetes-ca-next-trust", "pki.kubernetes-ca-both", "pki.kubelet", "pki.kubernetes-ca-drop"):
        assert f"{step}@w1" in ids, step
    for phase in ("trust", "leaves", "drop"):
        assert {f"kubernetes.kubelet-{phase}@{host}" for host in ("w1", "cp2")} <= set(ids)
    assert ids.index("kubernetes.kubelet-drop@w1") < ids.index("kubernetes.control-plane-drop@cp1")
    checks = {str(step.id): step.verification for step in result.steps}
    for phase, before in (("trust", "pki.kubelet@w1"), ("leaves", "pki.verified@w1"), ("drop", "verify.etcd@cp1")):
        assert checks[f"kubernetes.node-{phase}@w1"] == (
            NodeRenewed("w1", tuple(map(HostName, ("cp1", "cp2", "cp3")))),
        )
        assert ids.index(f"kubernetes.node-{phase}@w1") < ids.index(before), "seen before the next phase begins"
    for phase in ("trust", "leaves", "drop"):
        turn = [
            f"kubernetes.kubelet-{phase}@cp2",
            f"keepalived.hand-over-{phase}@cp2",
            f"kubernetes.control-plane-{phase}@cp2",
        ]
        assert [step for step in ids if step in turn] == turn, "its lease is fresh when it is restarted"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            kubelet("cp2", "/k.pem", "/k.pem"),
            "and renews this certificate automatically, so this action does not replace it; before a CA rotation",
        ),
        (
            named_ca("cp3", "scheduler-ca", "/etc/kubernetes/scheduler.conf", inside=True),
            (
                "cp3: scheduler: /etc/kubernetes/scheduler.conf embeds the CA: "
                f"in the kubeconfig set certificate-authority: {CA}"
            ),
        ),
    ],
)
def test_no_new_ca_where_somebody_would_be_cut_off_by_it(more: Certificate, says: str) -> None:
    assert says in refused(snapshot_with(more), ca="yes")


def test_no_new_ca_past_a_kubelet_with_a_ca_of_its_own() -> None:
    snapshot = snapshot_with(
        kubelet("cp2", "/k.crt", "/k.key"), named_ca("cp2", "kubelet-ca", "/var/lib/kubelet/ca.crt")
    )
    assert (
        "cp2: kubelet: the kubeconfig uses the CA file /var/lib/kubelet/ca.crt: in the kubeconfig set "
        f"certificate-authority: {CA}" in refused(snapshot, ca="yes")
    )


def test_no_new_ca_past_a_worker_that_was_not_heard() -> None:
    snapshot = snapshot_with(worker=())
    missing = replace(snapshot.hosts[-1], certificates=Failed("no answer", NOW, Cause.TIMED_OUT))
    silent = replace(snapshot, hosts=(*snapshot.hosts[:-1], missing))
    assert "w1 is a worker whose certificates are not known: no answer" in refused(silent, WITH_WORKER, ca="yes")
    assert plan(snapshot, WITH_WORKER, ca="yes").steps, "a worker without a kubelet blocks nothing"


KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: lab
  cluster: {{server: 'https://10.99.0.100:8443', certificate-authority: /etc/kubernetes/pki/ca.crt}}
users:
- name: kubelet
  user:
    client-certificate{cert}
    client-key{key}
- name: other
  user:
    client-certificate-data: b3RoZXI=
    client-key-data: b3RoZXI=
"""


def test_only_the_first_users_pair_is_named_by_its_files(tmp_path: Path) -> None:
    path = tmp_path / "kubelet.conf"
    path.write_text(KUBECONFIG.format(cert="-data: Y2VydA==", key="-data: a2V5"))
    path.chmod(0o600)
    before = path.read_text()
    words = (str(path), "/pki/kubelet.crt", "/pki/kubelet.key")
    assert subprocess.run(("sh", "-c", NAMES_FILES.strip(), "named", *words)).returncode == 1
    result = subprocess.run(
        ("sh", "-ec", NAME_FILES.strip(), "name", *words), env={"HACONSOLE_ASIDE": "then", "PATH": "/usr/bin:/bin"}
    )
    assert result.returncode == 0
    assert path.read_text() == KUBECONFIG.format(cert=": /pki/kubelet.crt", key=": /pki/kubelet.key")
    assert (tmp_path / ".kubelet.conf.then").read_text() == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert subprocess.run(("sh", "-c", NAMES_FILES.strip(), "named", *words)).returncode == 0
