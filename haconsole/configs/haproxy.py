"""haproxy.cfg for a balancer in front of the API servers (haproxy 2.x to 3.x, Configuration Manual)."""

from __future__ import annotations

from haconsole.configs.layout import HaproxyLayout, KubernetesLayout, layout
from haconsole.configs.owner import owner_line, seal
from haconsole.inventory.effective import haproxy, join_host_port
from haconsole.inventory.schema import Deployment, Inventory
from haconsole.model.hosts import Role

HEALTH_PATH = "/healthz"
"""Answers 200 on the loopback health port while at least one API server is up, 503 otherwise."""

HEALTH_FRONTEND = "haconsole_health"

MAXCONN = 8192
"""Connections at once; no frontend and no server has a smaller limit of its own."""


def haproxy_cfg(inventory: Inventory) -> str:
    """The complete configuration, the same on every balancer; raises ValueError if the inventory has no balancer.

    TLS is passed through. A server is up while its /readyz returns 200 over TLS: after one failure it is checked twice
    a second, so that a dead API server is out within three seconds and its connections are closed to move to another
    one.
    """
    paths_of_layout = layout(inventory)
    settings = haproxy(inventory)
    if paths_of_layout.haproxy is None or settings is None or paths_of_layout.kubernetes is None:
        raise ValueError("an inventory without load balancer or Kubernetes has no haproxy.cfg")
    parts = (
        owner_line(inventory),
        _global(paths_of_layout.haproxy),
        _defaults(),
        _balancer(inventory, paths_of_layout.haproxy, paths_of_layout.kubernetes, settings.balance),
        _health(paths_of_layout.haproxy),
    )
    return seal("\n".join(parts))


def haproxy_drop_in(inventory: Inventory) -> str:
    """A drop-in for the distribution's unit: the stats socket's folder exists before haproxy opens it.

    The folder survives a stop: the distribution's own configuration may have its socket there too.
    """
    paths_of_layout = layout(inventory).haproxy
    folder = haproxy_run_folder(paths_of_layout) if paths_of_layout else ""
    runtime_folder = (
        f"RuntimeDirectory={folder.removeprefix('/run/')}\nRuntimeDirectoryPreserve=yes\n" if folder else ""
    )
    return seal(f"{owner_line(inventory)}\n[Service]\n{runtime_folder}Restart=always\nRestartSec=1\n")


def haproxy_run_folder(haproxy: HaproxyLayout) -> str:
    """The stats socket's folder if it is under /run, otherwise empty."""
    folder = haproxy.stats_socket.rpartition("/")[0]
    return folder if folder.startswith("/run/") else ""


def check_verifies(inventory: Inventory) -> bool:
    """Whether the health check verifies the API servers' certificates: if the CA exists before haproxy starts.

    kubeadm creates its CA only once the endpoint answers, so there haproxy has to start without it.
    """
    return inventory.kubernetes is not None and inventory.kubernetes.deployment is Deployment.SYSTEMD


def _global(paths: HaproxyLayout) -> str:
    return f"""\
global
    log stdout format raw daemon
    user haproxy
    group haproxy
    chroot /var/lib/haproxy
    maxconn {MAXCONN}
    stats socket {paths.stats_socket} mode 600 level admin
    stats timeout 30s
"""


def _defaults() -> str:
    return """\
defaults
    log global
    option dontlognull
    option redispatch
    retries 3
    timeout connect 4s
    timeout client 10m
    timeout server 10m
    timeout tunnel 4h
    timeout check 5s
"""


def _balancer(inventory: Inventory, paths: HaproxyLayout, kubernetes: KubernetesLayout, balance: str) -> str:
    verify = f"verify required ca-file {kubernetes.ca.cert}" if check_verifies(inventory) else "verify none"
    ipv6 = any(":" in host.address for host in inventory.hosts)
    bind = f":::{paths.bind_port} v4v6" if ipv6 else f"*:{paths.bind_port}"
    servers = "\n".join(
        f"    server {host.name} {join_host_port(host.address, kubernetes.api_port)}"
        for host in inventory.with_role(Role.CONTROL_PLANE)
    )
    return f"""\
listen {paths.backend}
    bind {bind}
    mode tcp
    option tcplog
    option dontlog-normal
    option clitcpka
    option srvtcpka
    option httpchk GET /readyz
    http-check expect status 200
    balance {balance}
    default-server check check-ssl {verify}
    default-server inter 2s fastinter 500ms downinter 1s fall 3 rise 2 on-marked-down shutdown-sessions
{servers}
"""


def _health(paths: HaproxyLayout) -> str:
    return f"""\
frontend {HEALTH_FRONTEND}
    bind 127.0.0.1:{paths.health_port}
    mode http
    no log
    timeout client 5s
    monitor-uri {HEALTH_PATH}
    monitor fail if {{ nbsrv({paths.backend}) lt 1 }}
"""
