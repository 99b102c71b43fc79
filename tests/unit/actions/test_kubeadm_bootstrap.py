"""The bootstrap by kubeadm: order of steps, resumption, refusals, etcd outside of the control planes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.checks import EtcdHealthy, MemberIs, NodeIs, NodeStage, VipAnswers
from haconsole.actions.operations import JoinNode, RunCommand, SendFile, TrustAuthority, WriteFile
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.configs.etcd_pods import kubelet_config, kubelet_drop_in, member_config
from haconsole.configs.layout import is_stacked
from haconsole.execution.pki.authorities import authorities_of
from haconsole.inventory.component_settings import Kubeadm
from haconsole.inventory.schema import Etcd, EtcdPlacement, Host, Inventory, Kubernetes
from haconsole.model.hosts import Role
from haconsole.model.observed import NOT_ASKED, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import bare
from tests.fakes.kubeadm import INVENTORY, healthy
from tests.fakes.kubeadm_plans import needs_of, plan, with_kubernetes

GOLDEN = Path(__file__).parent / "golden"


def test_control_planes_join_one_at_a_time_and_workers_beside_them() -> None:
    result = plan(with_kubernetes())
    joins = [step.id for step in result.steps if isinstance(step.operation, JoinNode)]
    assert joins == ["kubeadm.join@cp2", "kubeadm.join@cp3", "kubeadm.join@w1"]
    assert "kubeadm.join@cp2" in needs_of(result, "kubeadm.join@cp3")
    assert not {"kubeadm.join@cp2", "kubeadm.join@cp3"} & needs_of(result, "kubeadm.join@w1")
    assert {"haproxy.start@cp3", "keepalived.start@cp1"} <= needs_of(result, "kubeadm.init@cp1")
    assert set(joins) <= needs_of(result, "verify.locks@cp1")


def test_the_next_control_plane_joins_before_the_node_of_the_last_one_is_ready() -> None:
    result = plan(with_kubernetes())
    join = next(step for step in result.steps if step.id == "kubeadm.join@cp2")
    stages = {check.stage for check in join.verification if isinstance(check, NodeIs)}
    assert stages == {NodeStage.MARKED}
    assert any(isinstance(check, MemberIs) for check in join.verification)
    last = next(step for step in result.steps if step.id == "verify.nodes@cp1")
    by_node = {check.node: check.stage for check in last.verification if isinstance(check, NodeIs)}
    assert by_node == {**dict.fromkeys(("cp1", "cp2", "cp3"), NodeStage.CONTROL_PLANE), "w1": NodeStage.READY}


def test_ids_are_unique_and_needs_come_first() -> None:
    before: set[str] = set()
    for step in plan(with_kubernetes(kubeadm=Kubeadm(cni="/home/me/flannel.yaml"))).steps:
        assert step.id not in before
        assert set(step.needs) <= before, step.id
        before.add(step.id)


def test_the_pod_network_is_the_operators_manifest() -> None:
    result = plan(with_kubernetes(kubeadm=Kubeadm(cni="/home/me/flannel.yaml")))
    send = next(step for step in result.steps if isinstance(step.operation, SendFile))
    assert send.operation == SendFile("/home/me/flannel.yaml", "/etc/kubernetes/cni.yaml")
    assert send.id in needs_of(result, "kubeadm.join@cp2")


def test_a_cluster_that_runs_is_not_made_again_on_another_host() -> None:
    inventory, snapshot = with_kubernetes(), healthy()
    first = snapshot.hosts[0]
    blank = replace(bare(inventory).hosts[0], reach=first.reach, balancer_files=first.balancer_files)
    result = plan(inventory, replace(snapshot, hosts=(blank, *snapshot.hosts[1:])))
    assert [step.id for step in result.steps if step.id.startswith("kubeadm.init@")] == ["kubeadm.init@cp2"]
    assert "kubeadm.join@cp1" in {step.id for step in result.steps}


def test_etcd_as_units_is_up_before_init_and_kubeadm_copies_the_client_pair() -> None:
    external = msgspec.structs.replace(with_kubernetes(), etcd=Etcd())
    result = plan(external)
    before = needs_of(result, "kubeadm.init@cp1")
    assert {"etcd.start@cp1", "etcd.start@cp3", "pki.apiserver-etcd-client@cp1"} <= before
    assert [step.id for step in result.steps if step.id.startswith("pki.apiserver-etcd-client")] == [
        "pki.apiserver-etcd-client@cp1"
    ]
    join = next(step.operation for step in result.steps if step.id == "kubeadm.join@cp2")
    assert isinstance(join, JoinNode)
    assert join.peer_url == ""
    (cluster,) = (one for one in yaml.safe_load_all(join.upload) if one["kind"] == "ClusterConfiguration")
    assert cluster["etcd"]["external"] == {
        "endpoints": [f"https://10.99.0.1{n}:2379" for n in (1, 2, 3)],
        "caFile": "/etc/etcd/pki/ca.crt",
        "certFile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
        "keyFile": "/etc/kubernetes/pki/apiserver-etcd-client.key",
    }
    assert "verify.etcd@cp2" in {step.id for step in result.steps}
    only = plan_bootstrap(bare(external), external, BootstrapPart.KUBERNETES)
    assert isinstance(only, Plan)
    ids = {step.id for step in only.steps}
    assert "preflight.etcd@cp1" in ids
    assert not any(one.startswith("etcd.") for one in ids)


def test_the_data_of_other_etcd_members_is_not_kubeadms() -> None:
    external = msgspec.structs.replace(with_kubernetes(), etcd=Etcd())
    for step in plan(external).steps:
        if step.id.startswith("kubeadm.") and isinstance(step.operation, RunCommand):
            assert "/var/lib/etcd" not in step.operation.argv, step.id


def test_init_resets_only_what_an_interrupted_init_left() -> None:
    init = next(step for step in plan(with_kubernetes()).steps if step.id == "kubeadm.init@cp1")
    assert isinstance(init.operation, RunCommand)
    assert "marker=$folder/haconsole-init-unfinished" in init.operation.argv[2]


@pytest.mark.parametrize(
    ("inventory", "only", "words"),
    [
        (INVENTORY, None, "kubernetes.version must name a release"),
        (with_kubernetes(), BootstrapPart.ETCD, "kubeadm makes etcd together with its control plane"),
    ],
)
def test_settings_that_refuse_a_bootstrap(inventory: Inventory, only: BootstrapPart | None, words: str) -> None:
    planned = plan_bootstrap(bare(inventory), inventory, only)
    assert isinstance(planned, Refusal)
    assert words in "\n".join(planned.reasons)


def with_running_etcd(*, api: bool = False) -> tuple[Inventory, ClusterSnapshot]:
    """Healthy members as units on the control planes; `api`: an API server runs as well."""
    inventory = msgspec.structs.replace(with_kubernetes(), etcd=Etcd())
    members = {facts.host: facts.etcd for facts in healthy().hosts}
    snapshot = bare(inventory)
    hosts = tuple(replace(facts, etcd=members[facts.host]) for facts in snapshot.hosts)
    if api:
        hosts = (replace(hosts[0], services=healthy().hosts[0].services), *hosts[1:])
    return inventory, replace(snapshot, hosts=hosts)


def test_an_etcd_that_runs_is_kept_and_only_the_client_pair_is_added() -> None:
    inventory, snapshot = with_running_etcd()
    result = plan(inventory, snapshot)
    ids = {step.id for step in result.steps}
    assert not [one for one in ids if one.startswith(("etcd.", "pki.etcd-"))]
    assert {"preflight.etcd@cp1", "preflight.etcd@cp3"} <= needs_of(result, "kubeadm.init@cp1")
    assert "pki.apiserver-etcd-client@cp1" in needs_of(result, "kubeadm.init@cp1")
    assert {"haproxy.start@cp1", "keepalived.start@cp1"} <= needs_of(result, "kubeadm.init@cp1")
    assert "is kept as it is" in result.summary


def test_etcd_is_set_up_where_a_member_is_missing_or_the_cluster_exists() -> None:
    inventory, snapshot = with_running_etcd()
    silent = replace(snapshot, hosts=(replace(snapshot.hosts[0], etcd=NOT_ASKED), *snapshot.hosts[1:]))
    for one in (silent, with_running_etcd(api=True)[1]):
        assert "etcd.env@cp2" in {step.id for step in plan(inventory, one).steps}


def with_separate_pods() -> Inventory:
    """Members as static pods of a kubelet on hosts of their own (kubeadm's guide to external etcd)."""
    planes = tuple(
        msgspec.structs.replace(host, roles=tuple(role for role in host.roles if role is not Role.ETCD))
        for host in INVENTORY.hosts
    )
    etcd = tuple(Host(name=f"etcd{n}", address=f"10.99.0.10{n}", roles=(Role.ETCD,)) for n in (1, 2, 3))
    return msgspec.structs.replace(with_kubernetes(), hosts=(*planes, *etcd))


def with_members(inventory: Inventory, *, silent: str = "") -> ClusterSnapshot:
    """Bare hosts, with healthy members on etcd1 to etcd3 except the silent one."""
    members = [facts.etcd for facts in healthy().hosts if isinstance(facts.etcd, Known)]
    by_name = {f"etcd{n}": member for n, member in enumerate(members, 1) if f"etcd{n}" != silent}
    snapshot = bare(inventory)
    hosts = tuple(replace(facts, etcd=by_name.get(facts.host, facts.etcd)) for facts in snapshot.hosts)
    return replace(snapshot, hosts=hosts)


def test_separate_static_pods_are_set_up_before_init() -> None:
    inventory = with_separate_pods()
    assert not is_stacked(inventory)
    result = plan(inventory)
    steps: dict[str, Step] = {step.id: step for step in result.steps}
    before = needs_of(result, "kubeadm.init@cp1")
    assert {"etcd.start@etcd1", "etcd.start@etcd3", "preflight.kubeadm@etcd2"} <= before
    own = needs_of(result, "etcd.start@etcd2")
    assert {"pki.etcd-server@etcd2", "pki.etcd-peer@etcd2", "pki.etcd-client@etcd2", "etcd.manifest@etcd2"} <= own
    assert set(steps["etcd.start@etcd2"].starts_with) == {"etcd.start@etcd1", "etcd.start@etcd3"}
    assert EtcdHealthy(3) in steps["etcd.start@etcd2"].verification
    assert "pki.apiserver-etcd-client@cp1" in before
    write = steps["kubeadm.config@cp1"].operation
    assert isinstance(write, WriteFile)
    assert "https://10.99.0.101:2379" in write.content
    assert "local:" not in write.content
    assert not [name for name in steps if name.startswith(("etcd.unit", "etcd.env", "etcd.user"))]
    assert not [check for check in steps["kubeadm.join@cp2"].verification if isinstance(check, MemberIs)]


def test_separate_static_pods_that_run_are_kept() -> None:
    inventory = with_separate_pods()
    result = plan(inventory, with_members(inventory))
    ids = {step.id for step in result.steps}
    assert not [name for name in ids if name.startswith("etcd.")]
    assert {"preflight.etcd@etcd1", "pki.apiserver-etcd-client@cp1"} <= needs_of(result, "kubeadm.init@cp1")
    trusts = {step.operation.authority for step in result.steps if isinstance(step.operation, TrustAuthority)}
    assert trusts == {one.authority for one in authorities_of(result)} == {"etcd-ca"}
    refused = plan_bootstrap(with_members(inventory, silent="etcd3"), inventory)
    assert isinstance(refused, Refusal)
    assert "some members are not healthy" in "\n".join(refused.reasons)


@pytest.mark.parametrize(
    ("etcd", "words"),
    [
        (Etcd(placement=EtcdPlacement.STATIC_POD, client_port=4001), "etcd.client_port and etcd.peer_port are fixed"),
        (Etcd(placement=EtcdPlacement.STATIC_POD, pki_dir="/etc/etcd/pki2"), "set etcd.pki_dir"),
    ],
)
def test_settings_that_kubeadms_member_cannot_have(etcd: Etcd, words: str) -> None:
    inventory = msgspec.structs.replace(with_separate_pods(), etcd=etcd)
    refused = plan_bootstrap(bare(inventory), inventory)
    assert isinstance(refused, Refusal)
    assert words in "\n".join(refused.reasons)


def test_a_host_needs_one_kubelet_only() -> None:
    inventory = with_separate_pods()
    hosts = tuple(
        msgspec.structs.replace(host, roles=(*host.roles, Role.ETCD)) if host.name == "cp1" else host
        for host in inventory.hosts
    )
    inventory = msgspec.structs.replace(inventory, hosts=hosts)
    refused = plan_bootstrap(bare(inventory), inventory)
    assert isinstance(refused, Refusal)
    assert "cp1 would need two kubelets" in "\n".join(refused.reasons)


@pytest.mark.parametrize("version", ["1.20.2", "1.25.3", "1.36.2"])
def test_the_files_of_separate_static_pods_read_as_kept(version: str) -> None:
    inventory = with_separate_pods()
    host = next(host for host in inventory.hosts if host.name == "etcd2")
    parts = {
        "member": member_config(inventory, host, version),
        "kubelet": kubelet_config(inventory, version),
        "drop-in": kubelet_drop_in(inventory, version),
    }
    text = "\n".join(f"# {name}\n{part}" for name, part in parts.items())
    content = GOLDEN / f"etcd-pods-{version}.txt"
    if os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1":
        content.write_text(text)
    assert text == content.read_text()


def behind(endpoint: str) -> Inventory:
    kubernetes = msgspec.structs.replace(with_kubernetes().kubernetes or Kubernetes(), endpoint=endpoint)
    hosts = tuple(
        msgspec.structs.replace(host, roles=tuple(role for role in host.roles if role is not Role.LOAD_BALANCER))
        for host in INVENTORY.hosts
    )
    return msgspec.structs.replace(with_kubernetes(), hosts=hosts, kubernetes=kubernetes, vips=())


def test_a_balancer_outside_is_described_and_waited_for_before_any_join() -> None:
    result = plan(behind("api.example.org:6443"))
    before = needs_of(result, "kubeadm.join@cp2")
    assert "kubeadm.balanced@cp1" in before
    assert "kubeadm.balanced@cp1" in needs_of(result, "kubeadm.join@w1")
    assert "kubeadm.init@cp1" in needs_of(result, "kubeadm.balanced@cp1")
    assert {f"preflight.endpoint-name@{host}" for host in ("cp1", "cp2", "cp3", "w1")} <= before
    wait = next(step for step in result.steps if step.id == "kubeadm.balanced@cp1")
    assert wait.verification == (VipAnswers("api.example.org:6443"),)
    assert wait.verify_within_s >= 600
    assert "let it forward TCP to 10.99.0.11:6443" in result.summary
    assert "must not send to 10.99.0.12:6443, 10.99.0.13:6443" in result.summary


def test_an_address_needs_no_name_and_a_vip_of_the_inventory_no_balancer_outside() -> None:
    by_address = {step.id for step in plan(behind("192.0.2.7:6443")).steps}
    assert "kubeadm.balanced@cp1" in by_address
    assert "preflight.endpoint-name@cp1" not in by_address
    own = plan(with_kubernetes())
    assert "kubeadm.balanced@cp1" not in {step.id for step in own.steps}
    assert "balancer" not in own.summary.splitlines()[-1]
