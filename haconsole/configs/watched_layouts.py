"""Paths of the products whose clusters are only watched: k0s, RKE2 and kubeasz.

They differ from kubeadm's by the names of files and by the supervisor; the folders are those of the inventory.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.configs.layout_parts import ComponentLayout, KeyPairFiles, KubeClientFiles, KubernetesLayout
from haconsole.inventory.schema import Deployment, Kubernetes


def watched_layout(kube: Kubernetes, layout: KubernetesLayout) -> KubernetesLayout:
    """The layout with the names of the product that made the cluster; unchanged for the other deployments."""
    match kube.deployment:
        case Deployment.K0S:
            return _k0s(kube, layout)
        case Deployment.RKE2:
            return _rke2(kube, layout)
        case Deployment.KUBEASZ:
            return _kubeasz(kube, layout)
        case _:
            return layout


def rke2_agent_dir(pki_dir: str) -> str:
    """RKE2's folder of the agent, beside that of the server."""
    return f"{pki_dir.removesuffix('/tls').removesuffix('/server')}/agent"


def _pair(folder: str, name: str) -> KeyPairFiles:
    return KeyPairFiles(f"{folder}/{name}.crt", f"{folder}/{name}.key")


def _k0s(kube: Kubernetes, layout: KubernetesLayout) -> KubernetesLayout:
    """k0s starts the programs itself: there is one unit, and neither units nor manifests of the components."""
    manager = KubeClientFiles(f"{kube.config_dir}/ccm.conf", None)
    scheduler = KubeClientFiles(f"{kube.config_dir}/scheduler.conf", None)
    return replace(
        layout,
        apiserver=_pair(kube.pki_dir, "server"),
        admin=KubeClientFiles(f"{kube.config_dir}/admin.conf", None),
        controller_manager=manager,
        scheduler=scheduler,
        components=_components(layout, None, manager, scheduler),
        manifest_dir=None,
        kubelet_unit="k0scontroller.service",
        worker_unit="k0sworker.service",
    )


def _rke2(kube: Kubernetes, layout: KubernetesLayout) -> KubernetesLayout:
    """Static pods of the kubelet that RKE2 starts; clients and servers have a CA each."""
    pki, manifests = kube.pki_dir, f"{rke2_agent_dir(kube.pki_dir)}/pod-manifests"

    def client(name: str) -> KubeClientFiles:
        return KubeClientFiles(f"{kube.config_dir}/{name}.kubeconfig", _pair(pki, f"client-{name}"))

    manager, scheduler = client("controller"), client("scheduler")
    return replace(
        layout,
        ca=_pair(pki, "client-ca"),
        server_ca=f"{pki}/server-ca.crt",
        front_proxy_ca=_pair(pki, "request-header-ca"),
        service_account=KeyPairFiles(f"{pki}/service.key", f"{pki}/service.current.key"),
        apiserver=_pair(pki, "serving-kube-apiserver"),
        apiserver_etcd_client=_pair(pki, "etcd/client"),
        apiserver_kubelet_client=_pair(pki, "client-kube-apiserver"),
        front_proxy_client=_pair(pki, "client-auth-proxy"),
        admin=client("admin"),
        controller_manager=manager,
        scheduler=scheduler,
        components=_components(layout, manifests, manager, scheduler),
        manifest_dir=manifests,
        kubelet_unit="rke2-server.service",
        worker_unit="rke2-agent.service",
    )


def _kubeasz(kube: Kubernetes, layout: KubernetesLayout) -> KubernetesLayout:
    """Units of the usual names; one certificate for the API server's server and its clients, and one CA.

    kubeasz leaves the administrator's kubeconfig on its own host; the controller-manager's may read what is watched.
    """
    pki = kube.pki_dir

    def pair(name: str) -> KeyPairFiles:
        return KeyPairFiles(f"{pki}/{name}.pem", f"{pki}/{name}-key.pem")

    manager = KubeClientFiles(f"{kube.config_dir}/kube-controller-manager.kubeconfig", None)
    return replace(
        layout,
        ca=pair("ca"),
        front_proxy_ca=pair("ca"),
        service_account=pair("ca"),
        apiserver=pair("kubernetes"),
        apiserver_etcd_client=pair("kubernetes"),
        apiserver_kubelet_client=pair("kubernetes"),
        front_proxy_client=pair("aggregator-proxy"),
        admin=manager,
        controller_manager=manager,
        scheduler=KubeClientFiles(f"{kube.config_dir}/kube-scheduler.kubeconfig", None),
        kubelet_unit="kubelet.service",
    )


def _components(
    layout: KubernetesLayout, manifests: str | None, manager: KubeClientFiles, scheduler: KubeClientFiles
) -> tuple[ComponentLayout, ComponentLayout, ComponentLayout]:
    def of(component: ComponentLayout, client: KubeClientFiles | None) -> ComponentLayout:
        manifest = f"{manifests}/{component.name}.yaml" if manifests else None
        kubeconfig = client.kubeconfig if client else None
        return replace(component, unit=None, unit_file=None, manifest=manifest, kubeconfig=kubeconfig)

    apiserver, second, third = layout.components
    return of(apiserver, None), of(second, manager), of(third, scheduler)
