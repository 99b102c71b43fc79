"""kubeconfigs that name their key by path, so that no private key leaves the file it was generated in."""

from __future__ import annotations

from haconsole.configs.layout import KeyPairFiles, layout
from haconsole.configs.owner import owner_line
from haconsole.inventory.effective import endpoint, join_host_port
from haconsole.inventory.schema import Host, Inventory


def local_server(inventory: Inventory, host: Host) -> str:
    """The URL of the host's own API server.

    Controller-manager and scheduler use it: they then need neither VIP nor balancer, never connect to an API server
    older than themselves during an upgrade, and lose their lease to another host exactly when theirs stops serving.
    """
    port = inventory.kubernetes.api_port if inventory.kubernetes else 6443
    return f"https://{join_host_port(host.address, port)}"


def endpoint_server(inventory: Inventory, host: Host) -> str:
    """The URL of the load-balanced API, or of the host's own API server if there is no balancer."""
    api_endpoint = endpoint(inventory)
    return f"https://{join_host_port(*api_endpoint)}" if api_endpoint else local_server(inventory, host)


def kubeconfig(inventory: Inventory, *, user: str, files: KeyPairFiles, server: str) -> str:
    """A kubeconfig for `user` (kubernetes.io: Organizing Cluster Access Using kubeconfig Files), valid on its host."""
    paths = layout(inventory).kubernetes
    if paths is None or inventory.kubernetes is None:
        raise ValueError("an inventory without Kubernetes has no kubeconfig")
    cluster = inventory.kubernetes.cluster_name
    return f"""\
{owner_line(inventory)}
apiVersion: v1
kind: Config
clusters:
- name: {cluster}
  cluster:
    certificate-authority: {paths.ca.cert}
    server: {server}
users:
- name: {user}
  user:
    client-certificate: {files.cert}
    client-key: {files.key}
contexts:
- name: {user}@{cluster}
  context:
    cluster: {cluster}
    user: {user}
current-context: {user}@{cluster}
"""
