"""An etcd outside the inventory: used by a bootstrap and by joins, refused for changes of its members."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from haconsole.actions.bootstrap.leaves import leaves_on
from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.checks import CommandSucceeds, EtcdHealthy
from haconsole.actions.external_etcd import why_external_etcd
from haconsole.actions.kubeadm.join import preflight_steps
from haconsole.actions.operations import SendFile, WriteFile
from haconsole.actions.plan_context import plan_context
from haconsole.actions.rotation.ca.state import ca_states
from haconsole.actions.step import Plan, Step
from haconsole.inventory.load import load
from haconsole.inventory.schema import Inventory
from tests.fakes.cluster import INVENTORY, bare

SAMPLE = Path(__file__).resolve().parents[3] / "sample-inventories/kubeadm-etcd-endpoints.yaml"
URLS = ["https://172.31.3.80:2379", "https://172.31.14.133:2379", "https://172.31.13.239:2379"]
PKI = "/etc/kubernetes/pki"


@pytest.fixture(scope="module")
def sample() -> Inventory:
    return load(SAMPLE)


@pytest.fixture(scope="module")
def steps(sample: Inventory) -> dict[str, Step]:
    plan = plan_bootstrap(bare(sample), sample)
    assert isinstance(plan, Plan)
    return {step.id: step for step in plan.steps}


def test_the_pair_is_sent_to_the_first_control_plane_and_tried_before_init(steps: dict[str, Step]) -> None:
    messages = {step.id: step.operation for step in steps.values() if isinstance(step.operation, SendFile)}
    here = SAMPLE.parent / "etcd"
    assert messages == {
        "etcd.send-ca@master01": SendFile(f"{here}/ca.crt", f"{PKI}/etcd/ca.crt", 0o644),
        "etcd.send-client@master01": SendFile(
            f"{here}/apiserver-etcd-client.crt", f"{PKI}/apiserver-etcd-client.crt", 0o644
        ),
        "etcd.send-key@master01": SendFile(
            f"{here}/apiserver-etcd-client.key", f"{PKI}/apiserver-etcd-client.key", 0o600
        ),
    }
    tried = steps["etcd.healthy-outside@master01"]
    assert tried.verification == (EtcdHealthy(3),)
    assert set(messages) <= {*tried.needs}
    assert tried.id in steps["kubeadm.config@master01"].needs
    assert not [name for name in steps if name.startswith(("etcd.start", "pki."))]


def test_kubeadm_gets_the_endpoints_and_the_places_of_the_pair(steps: dict[str, Step]) -> None:
    write = steps["kubeadm.config@master01"].operation
    assert isinstance(write, WriteFile)
    (cluster,) = (one for one in yaml.safe_load_all(write.content) if one["kind"] == "ClusterConfiguration")
    assert cluster["etcd"]["external"] == {
        "endpoints": URLS,
        "caFile": f"{PKI}/etcd/ca.crt",
        "certFile": f"{PKI}/apiserver-etcd-client.crt",
        "keyFile": f"{PKI}/apiserver-etcd-client.key",
    }


def test_every_control_plane_must_reach_the_endpoints_and_no_worker(sample: Inventory, steps: dict[str, Step]) -> None:
    (check,) = steps["preflight.etcd-endpoints@master02"].verification
    assert isinstance(check, CommandSucceeds)
    assert check.argv[4:7] == ("172.31.3.80", "2379", f"etcd at {URLS[0]}")
    assert "preflight.etcd-endpoints@node01" not in steps
    joins = {host.name: [step.id for step in preflight_steps(sample, host, "1.31.4", ())] for host in sample.hosts}
    assert "preflight.etcd-endpoints@master02" in joins["master02"]
    assert "preflight.etcd-endpoints@node01" not in joins["node01"]


def test_the_pair_that_others_issued_is_not_rotated(sample: Inventory) -> None:
    ctx = plan_context(bare(sample), sample, None)
    names = {leaf.name for leaf in leaves_on(ctx, sample.hosts[0])}
    assert "apiserver" in names
    assert "apiserver-etcd-client" not in names
    assert "etcd-ca" not in {one.name for one in ca_states(ctx, "all")}


@pytest.mark.parametrize(
    ("action", "request_"),
    [
        ("backup", {}),
        ("restore", {}),
        ("defrag", {}),
        ("move-leader", {}),
        ("rejoin", {"host": "master01"}),
        ("remove", {"member-id": "1f"}),
        ("rotate-certs", {"scope": "etcd"}),
        ("bootstrap", {"only": "etcd"}),
        ("restart", {"service": "etcd"}),
    ],
)
def test_changes_of_its_members_are_refused_with_the_reason(
    sample: Inventory, action: str, request_: dict[str, str]
) -> None:
    reason = why_external_etcd(sample, action, request_)
    assert URLS[0] in reason
    assert "etcdctl" in reason
    assert why_external_etcd(INVENTORY, action, request_) == ""


@pytest.mark.parametrize(
    ("action", "request_"),
    [("join", {"host": "master02"}), ("remove", {"host": "node01"}), ("rotate-certs", {}), ("bootstrap", {})],
)
def test_hosts_and_their_certificates_can_change(sample: Inventory, action: str, request_: dict[str, str]) -> None:
    assert why_external_etcd(sample, action, request_) == ""
