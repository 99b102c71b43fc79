"""etcd as static pods on hosts of its own: kubeadm's configuration of a member, and a kubelet without an API server.

https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/setup-ha-etcd-with-kubeadm/
"""

from __future__ import annotations

from typing import Any

import yaml

from haconsole.configs.kubeadm import api_version
from haconsole.configs.kubeadm_versions import cluster_settings
from haconsole.configs.layout import is_kubeadm, is_stacked
from haconsole.configs.owner import owner_line
from haconsole.inventory.effective import etcd_name, etcd_peer_url
from haconsole.inventory.schema import EtcdPlacement, Host, Inventory, Kubernetes
from haconsole.model.roles import Role

DROP_IN = "/etc/systemd/system/kubelet.service.d/20-etcd-service-manager.conf"
"""The name in kubeadm's guide; it replaces the command of the package's unit."""
_SOCKET = "/run/containerd/containerd.sock"
_ENDPOINT_IN_FILE, _ONE_RUNTIME = 27, 24
"""Minor versions: the runtime's socket is a key of the configuration; the kind of the runtime is no flag any more."""


def has_separate_pods(inventory: Inventory) -> bool:
    """Whether members are static pods of a kubelet on hosts that are no nodes."""
    pods = is_kubeadm(inventory) and inventory.etcd.placement is EtcdPlacement.STATIC_POD
    return pods and not is_stacked(inventory)


def member_file(kubernetes: Kubernetes) -> str:
    """kubeadm's configuration of the host's member."""
    return f"{kubernetes.config_dir}/etcd-member.yaml"


def kubelet_file(kubernetes: Kubernetes) -> str:
    """The configuration of the kubelet without an API server."""
    return f"{kubernetes.config_dir}/kubelet-etcd.yaml"


def member_config(inventory: Inventory, host: Host, version: str) -> str:
    """The input of ``kubeadm init phase etcd local``, which makes the manifest, with the mark of this cluster."""
    kubernetes = inventory.kubernetes or Kubernetes()
    api, settings = api_version(version), kubernetes.kubeadm
    init = {
        "apiVersion": api,
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": host.address},
        "nodeRegistration": {"name": etcd_name(host)},
    }
    cluster = {
        "apiVersion": api,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{version.lstrip('v')}",
        "certificatesDir": kubernetes.pki_dir,
        **({"imageRepository": settings.image_repository} if settings.image_repository else {}),
        **cluster_settings({"etcd": {"local": _local(inventory)}}, api),
    }
    return f"{owner_line(inventory)}\n{_text(init, cluster)}"


def _local(inventory: Inventory) -> dict[str, Any]:
    etcd = inventory.etcd
    members = inventory.with_role(Role.ETCD)
    return {
        "dataDir": etcd.data_dir,
        "extraArgs": {
            "initial-cluster": ",".join(f"{etcd_name(one)}={etcd_peer_url(inventory, one)}" for one in members),
            "initial-cluster-state": "new",
            "initial-cluster-token": etcd.token,
            "heartbeat-interval": etcd.heartbeat_ms,
            "election-timeout": etcd.election_ms,
            "quota-backend-bytes": etcd.quota_bytes,
        },
    }


def kubelet_config(inventory: Inventory, version: str) -> str:
    """A kubelet that only runs the manifests of its folder, and serves nobody but this host."""
    kubernetes = inventory.kubernetes or Kubernetes()
    settings = kubernetes.kubeadm
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "address": "127.0.0.1",
        "cgroupDriver": settings.cgroup_driver.value,
        "staticPodPath": f"{kubernetes.config_dir}/manifests",
        **({"containerRuntimeEndpoint": _socket(kubernetes)} if _minor(version) >= _ENDPOINT_IN_FILE else {}),
        **(settings.kubelet or {}),
    }
    return f"{owner_line(inventory)}\n{_text(config)}"


def kubelet_drop_in(inventory: Inventory, version: str) -> str:
    """The unit's command without the kubeconfig of a node."""
    kubernetes = inventory.kubernetes or Kubernetes()
    words = ["/usr/bin/env", "kubelet", f"--config={kubelet_file(kubernetes)}"]
    if _minor(version) < _ENDPOINT_IN_FILE:
        words.append(f"--container-runtime-endpoint={_socket(kubernetes)}")
    if _minor(version) < _ONE_RUNTIME:
        words.append("--container-runtime=remote")
    return f"{owner_line(inventory)}\n[Service]\nExecStart=\nExecStart={' '.join(words)}\nRestart=always\n"


def _socket(kubernetes: Kubernetes) -> str:
    return f"unix://{kubernetes.kubeadm.cri_socket or _SOCKET}"


def _minor(version: str) -> int:
    return int(version.lstrip("v").split(".")[1])


def _text(*documents: dict[str, Any]) -> str:
    return "---\n".join(yaml.safe_dump(one, sort_keys=False, default_flow_style=False) for one in documents)
