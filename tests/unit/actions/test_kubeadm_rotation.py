"""Rotations of a kubeadm cluster as planned: pairs stay where kubeadm keeps them, and static pods are restarted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from haconsole.actions.catalogue import plan_action
from haconsole.actions.operations import IssueCertificate, PairForm, RunCommand, UndoByRestoringFiles
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.actions.steps.static_pods import restarts_pods
from haconsole.execution.log.codec import plan_from_json, to_json
from haconsole.model.certificate import Certificate
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Cause, Failed, Known, Observed, value_of
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import kubeadm
from tests.fakes.cluster import NOW, balancer_files
from tests.fakes.kubeadm_certificates import KUBELET_PAIR, PKI, certified, ended

PLANES = ("cp1", "cp2", "cp3")


def plan(snapshot: ClusterSnapshot, **request: str) -> Plan:
    planned = plan_action("rotate-certs", snapshot, kubeadm.INVENTORY, request)
    assert isinstance(planned, Plan), planned.reasons
    return planned


def issues(planned: Plan) -> dict[str, IssueCertificate]:
    return {str(step.id): step.operation for step in planned.steps if isinstance(step.operation, IssueCertificate)}


def places(planned: Plan, *names: str) -> list[int]:
    ids = [str(step.id) for step in planned.steps]
    return [ids.index(name) for name in names]


def step_of(planned: Plan, name: str) -> Step:
    return next(step for step in planned.steps if step.id == name)


def restarted(step: Step) -> list[str]:
    """The manifests that the step takes out and returns."""
    assert isinstance(step.operation, RunCommand)
    return [word for word in step.operation.argv if word.endswith(".yaml")]


def test_every_leaf_of_a_control_plane_is_replaced_where_it_is() -> None:
    planned = plan(certified())
    mine = {name.removesuffix("@cp1"): issue for name, issue in issues(planned).items() if name.endswith("@cp1")}
    assert {name: (issue.cert_path, issue.form) for name, issue in mine.items()} == {
        "pki.etcd-server": (f"{PKI}/etcd/server.crt", PairForm.FILES),
        "pki.etcd-peer": (f"{PKI}/etcd/peer.crt", PairForm.FILES),
        "pki.etcd-client": (f"{PKI}/etcd/healthcheck-client.crt", PairForm.FILES),
        "pki.apiserver": (f"{PKI}/apiserver.crt", PairForm.FILES),
        "pki.apiserver-etcd-client": (f"{PKI}/apiserver-etcd-client.crt", PairForm.FILES),
        "pki.apiserver-kubelet-client": (f"{PKI}/apiserver-kubelet-client.crt", PairForm.FILES),
        "pki.front-proxy-client": (f"{PKI}/front-proxy-client.crt", PairForm.FILES),
        "pki.admin": ("/etc/kubernetes/admin.conf", PairForm.KUBECONFIG),
        "pki.controller-manager": ("/etc/kubernetes/controller-manager.conf", PairForm.KUBECONFIG),
        "pki.scheduler": ("/etc/kubernetes/scheduler.conf", PairForm.KUBECONFIG),
    }
    assert all(issue.replaces for issue in mine.values())
    assert len(issues(planned)) == 30
    assert plan_from_json(json.loads(json.dumps(to_json(planned)))) == planned


def test_subjects_and_names_are_those_of_the_existing_certificates() -> None:
    mine = issues(plan(certified()))
    admin, client = mine["pki.admin@cp2"], mine["pki.etcd-client@cp2"]
    assert (admin.common_name, admin.organizations) == ("kubernetes-admin", ("system:masters",))
    assert (client.common_name, client.organizations) == ("kube-etcd-healthcheck-client", ("system:masters",))
    assert mine["pki.apiserver@cp2"].sans == ("DNS:cp2", "IP:10.99.0.12", "DNS:extra.example")
    assert mine["pki.etcd-server@cp2"].usages == ("server", "client")


def test_a_name_that_clients_use_is_added() -> None:
    def lacks(one: Certificate) -> Certificate:
        return replace(one, missing_names=("IP:10.99.0.100",)) if one.role == "apiserver" else one

    assert issues(plan(certified(lacks)))["pki.apiserver@cp1"].sans[-1] == "IP:10.99.0.100"


def test_only_clients_that_do_not_reload_are_restarted_one_host_at_a_time() -> None:
    planned = plan(certified())
    restarts = [step for step in planned.steps if restarts_pods(step)]
    clients = [step for step in restarts if step.id.startswith("kubernetes.clients-client@")]
    assert sorted(step.host for step in clients) == list(PLANES)
    folder = "/etc/kubernetes/manifests"
    assert restarted(clients[0]) == [f"{folder}/kube-controller-manager.yaml", f"{folder}/kube-scheduler.yaml"]
    assert {str(step.id) for step in restarts} - {str(step.id) for step in clients} == {
        f"kubernetes.kube-apiserver-serve@{name}" for name in PLANES
    }
    hosts = [step.host for step in restarts]
    assert hosts == sorted(hosts, key=hosts.index), "one host's restarts end before another's begin"


def test_kubelets_keep_their_pairs_until_these_are_overdue() -> None:
    planned = plan(certified())
    assert "kubelets on cp1, cp2, cp3, w1 renew their certificates automatically" in planned.summary
    assert not any("kubelet@" in name for name in issues(planned))
    late = plan(ended("kubelet", hosts=("cp2", "w1")), due="yes")
    assert {name: (issue.cert_path, issue.form, issue.common_name) for name, issue in issues(late).items()} == {
        f"pki.kubelet@{name}": (KUBELET_PAIR, PairForm.COMBINED, f"system:node:{name}") for name in ("cp2", "w1")
    }
    assert issues(late)["pki.kubelet@w1"].organizations == ("system:nodes",)
    new, restart = places(late, "pki.kubelet@w1", "kubernetes.kubelet-client@w1")
    assert new < restart
    assert step_of(late, "pki.kubelet@w1").undo == UndoByRestoringFiles((KUBELET_PAIR,))


def test_expired_certificates_of_all_are_recovered_kubelets_first() -> None:
    planned = plan(ended(hosts=(*PLANES, "w1")))
    order = places(
        planned,
        "pki.kubelet@cp1",
        "kubernetes.kubelet-revive@cp1",
        "pki.etcd-server@cp1",
        "etcd.revive@cp1",
        "pki.apiserver@cp1",
        "kubernetes.kube-apiserver-revive@cp1",
        "kubernetes.clients-revive@cp1",
    )
    assert order == sorted(order)
    assert restarted(step_of(planned, "etcd.revive@cp1")) == ["/etc/kubernetes/manifests/etcd.yaml"]
    needs = [step_of(planned, f"etcd.revive@{name}").needs for name in PLANES]
    assert not any(need.startswith("etcd.revive") for each in needs for need in each), "members start together"


def test_paths_and_ports_are_those_of_the_manifests() -> None:
    def moved(one: Certificate) -> Certificate:
        if one.role == "apiserver":
            return replace(one, path="/srv/api.pem", key_path="/srv/api-key.pem")
        return replace(one, path="/srv/ca.pem", key_path=None) if one.role == "kubernetes-ca" else one

    snapshot = certified(moved)
    api = replace(kubeadm.static_pod("kube-apiserver"), command=("kube-apiserver", "--secure-port=7443"))
    for name in PLANES:
        snapshot = kubeadm.with_pod(snapshot, name, api)
    planned = plan(snapshot)
    issue = issues(planned)["pki.apiserver@cp1"]
    assert (issue.cert_path, issue.key_path) == ("/srv/api.pem", "/srv/api-key.pem")
    assert (issue.authority_cert_path, issue.authority_key_path) == ("/srv/ca.pem", "/srv/ca.key")
    take_up = step_of(planned, "kubernetes.take-up@cp1").operation
    assert isinstance(take_up, RunCommand)
    assert take_up.argv[-2:] == ("10.99.0.11:7443", "/srv/api.pem")


def test_one_host_and_one_scope_can_be_replaced_separately() -> None:
    assert {name.partition("@")[2] for name in issues(plan(certified(), host="cp2"))} == {"cp2"}
    etcd = {name.partition("@")[0] for name in issues(plan(certified(), scope="etcd"))}
    assert etcd == {"pki.etcd-server", "pki.etcd-peer", "pki.etcd-client", "pki.apiserver-etcd-client"}


def test_nothing_is_due_on_a_fresh_cluster() -> None:
    planned = plan_action("rotate-certs", certified(), kubeadm.INVENTORY, {"due": "yes"})
    assert isinstance(planned, Refusal)
    assert planned.reasons == ("nothing is due",)


def test_undoing_a_restart_restores_files_first() -> None:
    restart = step_of(plan(certified()), "kubernetes.clients-client@cp1")
    assert getattr(restart.undo, "after_files", False)
    assert getattr(restart.undo, "operation", None) == restart.operation


def signing(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """The cluster with kubeadm's own flag in the manifests of kube-controller-manager."""
    command = ("kube-controller-manager", f"--cluster-signing-cert-file={PKI}/ca.crt")
    manager = replace(kubeadm.static_pod("kube-controller-manager"), command=command)
    for name in PLANES:
        snapshot = kubeadm.with_pod(snapshot, name, manager)
    return snapshot


def test_the_kubernetes_ca_is_replaced_wherever_kubeadm_puts_it() -> None:
    planned = plan(signing(certified()), ca="yes", scope="kubernetes")
    ids = [str(step.id) for step in planned.steps]
    order = [
        "kubernetes.kubectl@cp1",
        "pki.kubernetes-ca-next@cp1",
        "kubernetes.signing-trust@cp1",
        "pki.kubernetes-ca-next-trust@w1",
        "pki.kubernetes-ca-both@w1",
        "pki.kubeconfigs-trust@cp1",
        "kubernetes.control-plane-trust@cp1",
        "kubernetes.cluster-info-trust@cp1",
        "pki.kubelet@cp1",
        "kubernetes.control-plane-leaves@cp1",
        "kubernetes.workloads-leaves@cp1",
        "kubernetes.credentials@cp1",
        "pki.verified@cp1",
        "pki.kubernetes-ca-drop@cp1",
        "pki.kubeconfigs-drop@cp1",
        "kubernetes.signing-drop@cp1",
        "kubernetes.control-plane-drop@cp1",
        "kubernetes.cluster-info-drop@cp1",
        "kubernetes.authentication-drop@cp1",
        "kubernetes.tokens-drop@cp1",
        "pki.rotation-end@cp1",
    ]
    expected = [name.replace("@cp1", f"@{planned_first(planned)}") if "next@" in name else name for name in order]
    assert [ids.index(name) for name in expected] == sorted(ids.index(name) for name in expected)
    for name in (
        "pki.kubeconfigs-trust@w1",
        "pki.kubelet@w1",
        "kubernetes.kubelet-trust@w1",
        "pki.kubernetes-ca-drop@w1",
        "pki.rotation-end@w1",
    ):
        assert name in ids
    mine = issues(planned)
    assert {mine[f"pki.{role}@cp2"].authority for role in ("admin", "kubelet", "apiserver")} == {"kubernetes-ca-next"}
    assert mine["pki.apiserver@cp2"].cross_cert_path == f"{PKI}/ca.crt"
    assert mine["pki.admin@cp2"].cross_cert_path == "", "only clients need the chain"
    sync = step_of(planned, "pki.kubeconfigs-trust@cp2").operation
    assert isinstance(sync, RunCommand)
    assert {word for word in sync.argv if word.endswith(".conf")} == {
        f"/etc/kubernetes/{name}.conf" for name in ("admin", "controller-manager", "scheduler", "kubelet")
    }


def planned_first(planned: Plan) -> str:
    """The host whose step makes a new CA for all."""
    return next(str(step.host) for step in planned.steps if step.id.startswith("pki.kubernetes-ca-next@"))


def test_a_replaced_kubernetes_ca_can_be_rolled_back() -> None:
    snapshot = signing(certified())

    def with_next(facts: HostFacts) -> HostFacts:
        read = value_of(facts.certificates) or ()
        ca = next(one for one in read if one.role == "kubernetes-ca")
        new = replace(ca, role="kubernetes-ca-next", path=f"{PKI}/ca-next.crt", fingerprint="new", key_path=None)
        both = replace(ca, fingerprint="new")
        return replace(facts, certificates=Known((*read, both, new), NOW))

    for name in (*PLANES, "w1"):
        snapshot = kubeadm.changed(snapshot, name, with_next)
    planned = plan(snapshot, ca="yes", back="yes")
    ids = {str(step.id) for step in planned.steps}
    assert {f"pki.kubeconfigs-trust-back@{name}" for name in (*PLANES, "w1")} <= ids
    assert {"kubernetes.signing-trust-back@cp1", "kubernetes.cluster-info-trust-back@cp1"} <= ids
    order = ["kubernetes.workloads-leaves-back@cp1", "kubernetes.credentials@cp1", "pki.kubernetes-ca-alone@cp1"]
    assert places(planned, *order) == sorted(places(planned, *order)), "pods lose tokens of the new key first"


def test_old_credentials_of_pods_stop_the_last_phase_unless_they_are_ignored() -> None:
    def ids(**request: str) -> set[str]:
        return {str(step.id) for step in plan(signing(certified()), ca="yes", scope="kubernetes", **request).steps}

    assert "kubernetes.credentials@cp1" in ids()
    assert "kubernetes.workloads@cp1" in ids(workloads="all")
    assert "kubernetes.workloads@cp1" not in ids(workloads="ignore")
    assert "kubernetes.credentials@cp1" in ids(workloads="all")
    assert "kubernetes.credentials@cp1" not in ids(workloads="ignore")
    planned = plan(signing(certified()), ca="yes", workloads="all")
    look = step_of(planned, "kubernetes.workloads@cp1")
    assert (look.precondition, look.verify_within_s) == ((), 60.0), "pods of a cluster that was just started need time"
    every = step_of(planned, "kubernetes.workloads-leaves@cp1")
    assert isinstance(every.operation, RunCommand)
    assert every.operation.argv[-2:] == ("all", "renew")


def test_the_etcd_ca_is_replaced_in_three_phases_one_host_at_a_time() -> None:
    planned = plan(certified(), ca="yes", scope="etcd")
    phases = list(dict.fromkeys(step.phase for step in planned.steps if step.phase in ("trust", "leaves", "drop")))
    assert phases == ["trust", "leaves", "drop"]
    both = step_of(planned, "pki.etcd-ca-both@cp1").operation
    assert isinstance(both, RunCommand)
    assert both.argv[-3:-1] == (f"{PKI}/etcd/ca.crt", f"{PKI}/etcd/ca-next.crt")
    for phase in ("trust", "drop"):
        assert restarted(step_of(planned, f"etcd.{phase}@cp1")) == ["/etc/kubernetes/manifests/etcd.yaml"]
    apis = [str(step.id) for step in planned.steps if restarts_pods(step) and "kube-apiserver" in step.id]
    assert len(apis) == 9
    leaf = issues(planned)["pki.apiserver-etcd-client@cp3"]
    assert (leaf.authority, leaf.cross_cert_path) == ("etcd-ca-next", f"{PKI}/etcd/ca.crt")


LATE: Failed[Any] = Failed("no answer within 3 s", NOW, Cause.TIMED_OUT)


@pytest.mark.parametrize("files", [Known(balancer_files(Owner.FOREIGN), NOW), LATE])
def test_a_balancer_that_did_not_answer_in_time_is_no_condition(files: Observed[tuple[ManagedFile, ...]]) -> None:
    """It may have no stats socket: then the last step of the run could never pass."""

    def late(facts: HostFacts) -> HostFacts:
        return replace(facts, haproxy=LATE, balancer_files=files)

    snapshot = kubeadm.changed(certified(), "cp2", late)
    steps = {str(step.id) for step in plan(snapshot).steps}
    assert "verify.balancer@cp1" in steps
    assert "verify.balancer@cp2" not in steps
