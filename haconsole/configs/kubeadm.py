"""kubeadm's configuration for init, join and the upload of certificates, in the API version of its release.

https://kubernetes.io/docs/reference/config-api/: kubeadm v1beta2 (up to 1.21), v1beta3 (1.22 to 1.30), v1beta4 (since).
"""

from __future__ import annotations

from typing import Any

import yaml

from haconsole.configs.kubeadm_versions import cluster_settings, has_lists, timeouts
from haconsole.configs.layout import is_stacked, layout
from haconsole.configs.owner import owner_line
from haconsole.inventory import effective
from haconsole.inventory.component_settings import Kubeadm
from haconsole.inventory.schema import Host, Inventory, Kubernetes, Pki
from haconsole.model.roles import Role

CONFIG_FILE = "kubeadm.yaml"
"""In the folder of kubeconfigs and manifests, on the host that init ran on."""
TOKEN, KEY, CA_HASH = "@token@", "@certificate-key@", "@ca-hash@"
"""Replaced on the way to the host."""
INIT_TOKEN_TTL = "1m0s"
"""init makes a token that nobody uses: it expires at once."""


def api_version(version: str) -> str:
    """kubeadm's API version for a release such as ``1.20.2``."""
    minor = int(version.lstrip("v").split(".")[1])
    return f"kubeadm.k8s.io/{'v1beta2' if minor <= 21 else 'v1beta3' if minor <= 30 else 'v1beta4'}"


def init_config(inventory: Inventory, host: Host, version: str) -> str:
    """The configuration of ``kubeadm init`` on `host`, with the mark of this cluster."""
    kubernetes = _kubernetes(inventory)
    settings = kubernetes.kubeadm
    init = {
        "apiVersion": api_version(version),
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"ttl": INIT_TOKEN_TTL}],
        "localAPIEndpoint": _local(kubernetes, host),
        "nodeRegistration": _registration(settings, host, version),
        **timeouts(settings.cluster or {}, api_version(version)),
    }
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": settings.cgroup_driver.value,
        **(settings.kubelet or {}),
    }
    documents = [init, _cluster(inventory, version), kubelet]
    if settings.kube_proxy:
        proxy = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}
        documents.append({**proxy, **settings.kube_proxy})
    return f"{owner_line(inventory)}\n{_text(*documents)}"


def upload_config(inventory: Inventory, host: Host, version: str) -> str:
    """The configuration of an upload of the certificates from `host`, encrypted with a key that is filled in later."""
    kubernetes = _kubernetes(inventory)
    init = {
        "apiVersion": api_version(version),
        "kind": "InitConfiguration",
        "certificateKey": KEY,
        "localAPIEndpoint": _local(kubernetes, host),
        "nodeRegistration": _registration(kubernetes.kubeadm, host, version),
    }
    cluster = {
        "apiVersion": api_version(version),
        "kind": "ClusterConfiguration",
        "kubernetesVersion": _release(version),
        "certificatesDir": kubernetes.pki_dir,
        **({} if is_stacked(inventory) else {"etcd": _etcd(inventory)}),
    }
    return _text(init, cluster)


def join_config(inventory: Inventory, host: Host, version: str) -> str:
    """The configuration of ``kubeadm join`` on `host` by its roles, through the endpoint; secrets are filled in."""
    kubernetes = _kubernetes(inventory)
    join: dict[str, Any] = {
        "apiVersion": api_version(version),
        "kind": "JoinConfiguration",
        "discovery": {
            "bootstrapToken": {"apiServerEndpoint": _endpoint(inventory), "token": TOKEN, "caCertHashes": [CA_HASH]},
        },
        "nodeRegistration": _registration(kubernetes.kubeadm, host, version),
        **timeouts(kubernetes.kubeadm.cluster or {}, api_version(version)),
    }
    if Role.CONTROL_PLANE in host.roles:
        join["controlPlane"] = {"localAPIEndpoint": _local(kubernetes, host), "certificateKey": KEY}
    return _text(join)


def _cluster(inventory: Inventory, version: str) -> dict[str, Any]:
    kubernetes = _kubernetes(inventory)
    settings = kubernetes.kubeadm
    further = cluster_settings(settings.cluster or {}, api_version(version))
    api_server = dict(further.pop("apiServer", {}))
    sans = (*api_server.pop("certSANs", ()), *effective.watched_vips(inventory), *kubernetes.extra_sans)
    if sans:
        api_server["certSANs"] = [str(san) for san in dict.fromkeys(sans)]
    return {
        "apiVersion": api_version(version),
        "kind": "ClusterConfiguration",
        "kubernetesVersion": _release(version),
        "clusterName": kubernetes.cluster_name,
        "controlPlaneEndpoint": _endpoint(inventory),
        "certificatesDir": kubernetes.pki_dir,
        **({"imageRepository": settings.image_repository} if settings.image_repository else {}),
        "networking": {
            "podSubnet": kubernetes.pod_cidr,
            "serviceSubnet": kubernetes.service_cidr,
            "dnsDomain": kubernetes.cluster_domain,
        },
        "etcd": _etcd(inventory),
        **({"apiServer": api_server} if api_server else {}),
        **_lifetimes(inventory.pki, version),
        **further,
    }


def _lifetimes(pki: Pki, version: str) -> dict[str, Any]:
    """Lives of certificates other than kubeadm's own defaults, which only v1beta4 can change."""
    if not has_lists(api_version(version)):
        return {}
    usual = Pki()
    return {
        **({"certificateValidityPeriod": f"{24 * pki.leaf_days}h0m0s"} if pki.leaf_days != usual.leaf_days else {}),
        **({"caCertificateValidityPeriod": f"{24 * pki.ca_days}h0m0s"} if pki.ca_days != usual.ca_days else {}),
    }


def _etcd(inventory: Inventory) -> dict[str, Any]:
    """etcd of kubeadm's own, or the members of the inventory with the client pair of API servers."""
    if is_stacked(inventory):
        return {"local": {"dataDir": inventory.etcd.data_dir}}
    external: dict[str, Any] = {"endpoints": list(effective.etcd_urls(inventory))}
    kubernetes = layout(inventory).kubernetes
    if kubernetes is not None and kubernetes.etcd_ca is not None:
        pair = kubernetes.apiserver_etcd_client
        external |= {"caFile": kubernetes.etcd_ca, "certFile": pair.cert, "keyFile": pair.key}
    return {"external": external}


def _registration(settings: Kubeadm, host: Host, version: str) -> dict[str, Any]:
    registration: dict[str, Any] = {"name": host.name}
    if settings.cri_socket:
        old = api_version(version).endswith("v1beta2")
        registration["criSocket"] = settings.cri_socket if old else f"unix://{settings.cri_socket}"
    if settings.ignore_preflight_errors:
        registration["ignorePreflightErrors"] = list(settings.ignore_preflight_errors)
    return registration


def _local(kubernetes: Kubernetes, host: Host) -> dict[str, Any]:
    return {"advertiseAddress": host.address, "bindPort": kubernetes.api_port}


def _endpoint(inventory: Inventory) -> str:
    balanced = effective.endpoint(inventory)
    return effective.join_host_port(*balanced) if balanced else ""


def _kubernetes(inventory: Inventory) -> Kubernetes:
    return inventory.kubernetes or Kubernetes()


def _release(version: str) -> str:
    return f"v{version.lstrip('v')}"


def _text(*documents: dict[str, Any]) -> str:
    return "---\n".join(yaml.safe_dump(one, sort_keys=False, default_flow_style=False) for one in documents)
