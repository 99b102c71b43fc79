"""Rules about kubeadm's settings: which clusters may have them, and which keys belong in another section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from haconsole.inventory.component_settings import Kubeadm
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Deployment, Inventory

DECIDED: Mapping[str, Mapping[str, str]] = {
    "cluster": {
        "apiVersion": "the version of kubeadm",
        "kind": "the version of kubeadm",
        "kubernetesVersion": "kubernetes.version",
        "controlPlaneEndpoint": "kubernetes.endpoint",
        "networking": "kubernetes.pod_cidr, service_cidr and cluster_domain",
        "imageRepository": "kubernetes.kubeadm.image_repository",
        "certificatesDir": "kubernetes.pki_dir",
        "clusterName": "kubernetes.cluster_name",
    },
    "kubelet": {"apiVersion": "the version of kubeadm", "kind": "", "cgroupDriver": "kubernetes.kubeadm.cgroup_driver"},
    "kube_proxy": {"apiVersion": "the version of kubeadm", "kind": ""},
}
"""Keys of each document that come from other settings, and from which."""


def kubeadm_settings_have_an_effect(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    kubernetes = inventory.kubernetes
    if kubernetes is None or kubernetes.deployment is Deployment.KUBEADM or kubernetes.kubeadm == Kubeadm():
        return
    what = f"kubernetes.kubeadm has no effect: kubernetes.deployment is {kubernetes.deployment}"
    hint = "write `deployment: kubeadm`, or remove `kubernetes.kubeadm`"
    yield Fault(marks.at("kubernetes", "kubeadm"), what, hint, Level.WARNING)


def kubeadm_settings_are_free(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    if inventory.kubernetes is None:
        return
    for name, decided in DECIDED.items():
        settings = getattr(inventory.kubernetes.kubeadm, name) or {}
        for key in settings.keys() & decided.keys():
            what = f"kubernetes.kubeadm.{name} has the key {key}, which haconsole writes"
            source = f"set {decided[key]} instead" if decided[key].startswith("kubernetes.") else "remove the key"
            yield Fault(marks.at("kubernetes", "kubeadm", name), what, source)
