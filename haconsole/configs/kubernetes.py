"""systemd units of the control plane (kubernetes.io: Command line tools reference; Kubernetes 1.20 and newer)."""

from __future__ import annotations

from haconsole.configs.layout import ComponentLayout, EtcdLayout, KubernetesLayout, Layout, layout
from haconsole.configs.owner import owner_line
from haconsole.inventory.effective import etcd_client_url
from haconsole.inventory.schema import CaKeyPlace, Host, Inventory, Kubernetes
from haconsole.model.hosts import Role

LAST_WITH_INSECURE_PORTS = (1, 23)
"""Up to here controller-manager and scheduler take ``--port`` and some serve plain HTTP unless it is 0."""

AFTER_APISERVER = "network-online.target kube-apiserver.service"

Flag = tuple[str, str]


def version_of(text: str | None) -> tuple[int, int] | None:
    """Major and minor of a version like ``v1.20.2``; None if it is empty."""
    if text is None:
        return None
    major, minor, *_ = text.removeprefix("v").split(".")
    return int(major), int(minor)


def apiserver_unit(inventory: Inventory, host: Host) -> str:
    """kube-apiserver.service for one control plane."""
    paths_of_layout, kubernetes = layout(inventory), _settings(inventory)
    paths = _paths(paths_of_layout)
    flags = (
        ("advertise-address", host.address),
        *((("bind-address", "::"),) if ":" in host.address else ()),
        ("secure-port", str(kubernetes.api_port)),
        ("allow-privileged", "true"),
        ("authorization-mode", "Node,RBAC"),
        ("enable-admission-plugins", "NodeRestriction"),
        ("enable-bootstrap-token-auth", "true"),
        ("client-ca-file", paths.ca.cert),
        ("tls-cert-file", paths.apiserver.cert),
        ("tls-private-key-file", paths.apiserver.key),
        *_etcd_flags(inventory, paths_of_layout.etcd, paths),
        ("kubelet-client-certificate", paths.apiserver_kubelet_client.cert),
        ("kubelet-client-key", paths.apiserver_kubelet_client.key),
        ("kubelet-preferred-address-types", "InternalIP,ExternalIP,Hostname"),
        ("proxy-client-cert-file", paths.front_proxy_client.cert),
        ("proxy-client-key-file", paths.front_proxy_client.key),
        ("requestheader-client-ca-file", paths.front_proxy_ca.cert),
        ("requestheader-allowed-names", "front-proxy-client"),
        ("requestheader-username-headers", "X-Remote-User"),
        ("requestheader-group-headers", "X-Remote-Group"),
        ("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        ("service-account-issuer", f"https://kubernetes.default.svc.{kubernetes.cluster_domain}"),
        ("service-account-key-file", paths.service_account.cert),
        ("service-account-signing-key-file", paths.service_account.key),
        ("service-cluster-ip-range", kubernetes.service_cidr),
    )
    after = (
        f"network-online.target {paths_of_layout.etcd.unit}" if paths_of_layout.etcd.unit else "network-online.target"
    )
    return _unit(inventory, paths.components[0], "Kubernetes API server", flags, after=after, notify=True)


def controller_manager_unit(inventory: Inventory) -> str:
    """kube-controller-manager.service. Without a CA key on the hosts it signs no certificate requests."""
    kubernetes, paths = _settings(inventory), _paths(layout(inventory))
    component = paths.components[1]
    signing = (
        (("cluster-signing-cert-file", paths.signing_ca), ("cluster-signing-key-file", paths.ca.key))
        if inventory.pki.ca_key is CaKeyPlace.HOSTS
        else ()
    )
    flags = (
        *_client_flags(kubernetes, component),
        ("client-ca-file", paths.ca.cert),
        ("requestheader-client-ca-file", paths.front_proxy_ca.cert),
        ("root-ca-file", paths.ca.cert),
        ("service-account-private-key-file", paths.service_account.key),
        *signing,
        ("use-service-account-credentials", "true"),
        ("controllers", "*,bootstrapsigner,tokencleaner"),
        ("cluster-name", kubernetes.cluster_name),
        ("allocate-node-cidrs", "true"),
        ("cluster-cidr", kubernetes.pod_cidr),
        *((("node-cidr-mask-size", str(kubernetes.node_prefix)),) if kubernetes.node_prefix else ()),
        ("service-cluster-ip-range", kubernetes.service_cidr),
    )
    return _unit(inventory, component, "Kubernetes controller manager", flags, after=AFTER_APISERVER)


def scheduler_unit(inventory: Inventory) -> str:
    """kube-scheduler.service."""
    kubernetes, paths = _settings(inventory), _paths(layout(inventory))
    component = paths.components[2]
    flags = _client_flags(kubernetes, component)
    return _unit(inventory, component, "Kubernetes scheduler", flags, after=AFTER_APISERVER)


def _settings(inventory: Inventory) -> Kubernetes:
    if inventory.kubernetes is None:
        raise ValueError("an inventory without Kubernetes has no control plane")
    return inventory.kubernetes


def _paths(paths_of_layout: Layout) -> KubernetesLayout:
    if paths_of_layout.kubernetes is None:
        raise ValueError("an inventory without Kubernetes has no control plane")
    return paths_of_layout.kubernetes


def _etcd_flags(inventory: Inventory, etcd: EtcdLayout, paths: KubernetesLayout) -> tuple[Flag, ...]:
    servers = ",".join(etcd_client_url(inventory, host) for host in inventory.with_role(Role.ETCD))
    if etcd.pki is None:
        return (("etcd-servers", servers),)
    return (
        ("etcd-servers", servers),
        ("etcd-cafile", etcd.pki.ca.cert),
        ("etcd-certfile", paths.apiserver_etcd_client.cert),
        ("etcd-keyfile", paths.apiserver_etcd_client.key),
    )


def _client_flags(kubernetes: Kubernetes, component: ComponentLayout) -> tuple[Flag, ...]:
    """Shared by controller-manager and scheduler: the API they use, their authorized clients, and the lease."""
    election, kubeconfig = kubernetes.leader_election, component.kubeconfig or ""
    version = version_of(kubernetes.version)
    no_http = (("port", "0"),) if version is not None and version <= LAST_WITH_INSECURE_PORTS else ()
    return (
        ("bind-address", "127.0.0.1"),
        *no_http,
        ("kubeconfig", kubeconfig),
        ("authentication-kubeconfig", kubeconfig),
        ("authorization-kubeconfig", kubeconfig),
        ("leader-elect", "true"),
        ("leader-elect-lease-duration", f"{election.lease_duration_s}s"),
        ("leader-elect-renew-deadline", f"{election.renew_deadline_s}s"),
        ("leader-elect-retry-period", f"{election.retry_period_s}s"),
    )


def _unit(
    inventory: Inventory,
    component: ComponentLayout,
    title: str,
    flags: tuple[Flag, ...],
    *,
    after: str,
    notify: bool = False,
) -> str:
    """A unit that is restarted without a limit: leaders exit whenever etcd has no quorum, which may last.

    The stop time-out covers open requests; an API server would wait a minute for its watches to end, which clients
    reopen on another one anyway.
    """
    command = " \\\n  ".join((component.binary, *(f"--{name}={value}" for name, value in flags)))
    return f"""\
{owner_line(inventory)}
[Unit]
Description={title}
Documentation=https://kubernetes.io/docs/reference/command-line-tools-reference/{component.name}/
Wants=network-online.target
After={after}
StartLimitIntervalSec=0

[Service]
Type={"notify" if notify else "simple"}
ExecStart={command}
Restart=always
RestartSec=2
TimeoutStopSec=15
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
"""
