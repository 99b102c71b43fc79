"""Settings of kubeadm: its configuration as kept for each API version, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import yaml

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.step import Plan, Refusal
from haconsole.configs.kubeadm import api_version, init_config, join_config, upload_config
from haconsole.inventory.component_settings import Kubeadm
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory, Kubernetes, Pki
from tests.fakes.cluster import bare
from tests.fakes.kubeadm_plans import with_kubernetes

GOLDEN = Path(__file__).parent / "golden"
FULL = with_kubernetes(
    extra_sans=("api.example.org",),
    kubeadm=Kubeadm(
        cri_socket="/run/containerd/containerd.sock",
        image_repository="mirror.example.org:5000/k8s",
        ignore_preflight_errors=("NumCPU",),
        cluster={
            "apiServer": {"timeoutForControlPlane": "5m", "extraArgs": {"audit-log-maxage": 30, "profiling": False}},
            "controllerManager": {"extraArgs": [{"name": "node-monitor-period", "value": "5s"}]},
            "scheduler": {},
        },
        kubelet={"failSwapOn": False},
        kube_proxy={"mode": "ipvs"},
    ),
)


@pytest.mark.parametrize(
    ("version", "api"), [("1.20.2", "v1beta2"), ("1.22.0", "v1beta3"), ("1.30.9", "v1beta3"), ("1.31.0", "v1beta4")]
)
def test_the_api_version_is_the_releases(version: str, api: str) -> None:
    assert api_version(version) == f"kubeadm.k8s.io/{api}"


@pytest.mark.parametrize("version", ["1.20.2", "1.29.4", "1.36.2"])
def test_the_configuration_reads_as_kept(version: str) -> None:
    first, second = FULL.hosts[:2]
    worker = FULL.hosts[-1]
    parts = {
        "init": init_config(FULL, first, version),
        "upload": upload_config(FULL, first, version),
        "join": join_config(FULL, second, version),
        "worker": join_config(FULL, worker, version),
    }
    text = "\n".join(f"# {name}\n{part}" for name, part in parts.items())
    content = GOLDEN / f"kubeadm-{version}.yaml"
    if os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1":
        content.write_text(text)
    assert text == content.read_text()
    assert all(document for document in yaml.safe_load_all(text))


def test_lives_of_certificates_are_the_inventorys_where_kubeadm_can_set_them() -> None:
    longer = msgspec.structs.replace(with_kubernetes(), pki=Pki(leaf_days=90, ca_days=7300))
    host = longer.hosts[0]
    new = list(yaml.safe_load_all(init_config(longer, host, "1.34.1")))[1]
    assert (new["certificateValidityPeriod"], new["caCertificateValidityPeriod"]) == ("2160h0m0s", "175200h0m0s")
    assert "certificateValidityPeriod" not in init_config(longer, host, "1.29.4")
    assert "ValidityPeriod" not in init_config(with_kubernetes(), host, "1.34.1")


@pytest.mark.parametrize("version", ["1.20.2", "1.29.4"])
def test_keys_that_this_kubeadm_ignores_are_refused(version: str) -> None:
    newer = {"encryptionAlgorithm": "ECDSA-P256", "dns": {"disabled": True}, "scheduler": {"extraEnvs": []}}
    inventory = with_kubernetes(kubeadm=Kubeadm(cluster=newer))
    kubernetes = msgspec.structs.replace(inventory.kubernetes or Kubernetes(), version=version)
    inventory = msgspec.structs.replace(inventory, kubernetes=kubernetes)
    refused = plan_bootstrap(bare(inventory), inventory)
    assert isinstance(refused, Refusal)
    reasons = "\n".join(refused.reasons)
    assert f"kubeadm {version} ignores: encryptionAlgorithm, scheduler.extraEnvs, dns.disabled" in reasons
    kubernetes = msgspec.structs.replace(kubernetes, version="1.31.0")
    assert isinstance(plan_bootstrap(bare(inventory), msgspec.structs.replace(inventory, kubernetes=kubernetes)), Plan)


FILE = """\
cluster: lab
hosts:
  - {{name: cp1, address: 10.99.0.11, roles: [etcd, control-plane]}}
etcd: {{placement: static-pod}}
kubernetes:
  deployment: {deployment}
  endpoint: api.example.org:6443
  kubeadm: {settings}
"""


def problems(settings: str, deployment: str = "kubeadm") -> str:
    read = parse(FILE.format(settings=settings, deployment=deployment), "inventory.yaml", Path("/"))
    return "" if isinstance(read, Inventory) else "\n".join(map(str, read))


def test_settings_of_other_programs_are_read_as_they_are() -> None:
    read = parse(
        FILE.format(settings="{kubelet: {failSwapOn: false, maxPods: 50, a: [x, '1']}}", deployment="kubeadm"),
        "inventory.yaml",
        Path("/"),
    )
    assert isinstance(read, Inventory)
    assert read.kubernetes is not None
    assert read.kubernetes.kubeadm.kubelet == {"failSwapOn": False, "maxPods": 50, "a": ["x", "1"]}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{cluster: {networking: {podSubnet: 10.0.0.0/8}}}", "the key networking, which haconsole writes"),
        ("{kubelet: {cgroupDriver: cgroupfs}}", "set kubernetes.kubeadm.cgroup_driver instead"),
        ("{kubelet: 5}", "not keys with values"),
        ("{kubelet: {a: 1, a: 2}}", "is twice in"),
        ("{cgroup_driver: cgroup2}", "cgroup_driver"),
    ],
)
def test_settings_that_cannot_be_used(settings: str, words: str) -> None:
    assert words in problems(settings)
