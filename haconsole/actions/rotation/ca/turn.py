"""Restarts, one host at a time, the processes that read CAs and certificates only at their start."""

from __future__ import annotations

from haconsole.actions.bootstrap.leaves import ETCD_CA, KUBERNETES_CA
from haconsole.actions.checks import Check
from haconsole.actions.rotation.ca.replacing import CaReplacement, Phase, after_last_phase
from haconsole.actions.rotation.desired import HostLeaf
from haconsole.actions.rotation.handover import with_vips_elsewhere
from haconsole.actions.rotation.kubeadm import api_port
from haconsole.actions.rotation.kubelet import ROLE, kubelet_leaf, kubelet_restart, nodes_renewed
from haconsole.actions.rotation.rolling_restart import (
    api_turn,
    component_restart,
    etcd_turn,
    haproxy_reload,
    locks_held,
    restart_control_plane,
    serves,
)
from haconsole.actions.steps.order import Group
from haconsole.configs.layout import KubernetesLayout
from haconsole.inventory.schema import Host

API_LEAVES = ("apiserver", "apiserver-etcd-client", "apiserver-kubelet-client", "front-proxy-client")


def turn(
    now: CaReplacement, host: Host, phase: str, files: dict[str, tuple[str, ...]], also: tuple[Check, ...]
) -> tuple[Group, ...]:
    """Restart the processes that read their CAs, or the new `files` by role, only at their start. Leaf certificates do
    not stop etcd.

    Kubelet is first: later restarts interrupt its API requests, and its node's lease would be old before it is
    restarted.
    """
    ctx, groups = now.ctx, list[Group]()
    bundles = phase in (Phase.TRUST, Phase.DROP, "trust-back")
    kubelet = _kubelet(now, host, phase, files, bundles=bundles)
    companions = _balancer(now, host, phase, bundles=bundles)
    etcd_ca = now.of(ETCD_CA)
    if bundles and etcd_ca and host in ctx.etcd:
        over = (after_last_phase(etcd_ca),) if phase == Phase.TRUST else ()
        groups += etcd_turn(ctx, host, phase, (etcd_ca.files.cert,), phase, over)
    if host in ctx.control_planes and ctx.layout.kubernetes:
        tokens = tuple(path for one in now.several if one.is_tokens for path in (one.files.cert, one.files.key))
        read = now.files_on(host) if bundles else tuple(path for role in API_LEAVES for path in files.get(role, ()))
        steering = _steering(now, phase, files, bundles=bundles)
        newer = {"kube-apiserver": (*read, *tokens), **steering}
        if steering:
            restart = restart_control_plane(ctx, host, phase, newer, phase, also)
        else:
            restart = component_restart(ctx, host, "kube-apiserver", phase, newer["kube-apiserver"], phase, also)
        groups += api_turn(ctx, host, phase, restart, phase, companions)
    else:
        groups.append(companions)
    if now.of(KUBERNETES_CA) and host in ctx.control_planes:
        groups.append(locks_held(f"{phase}-{host.name}", host, phase))
    return (kubelet, *with_vips_elsewhere(ctx, host, phase, tuple(groups), phase))


def nodes_seen(now: CaReplacement, phase: str) -> Group:
    """Every kubelet that was restarted in the phase, before the next one begins."""
    return nodes_renewed(now.ctx, phase, phase) if now.of(KUBERNETES_CA) else ()


def _steering(
    now: CaReplacement, phase: str, files: dict[str, tuple[str, ...]], *, bundles: bool
) -> dict[str, tuple[str, ...]]:
    """The components that use the API server, each with the files to reload."""
    kubernetes_ca, kubernetes = now.of(KUBERNETES_CA), now.ctx.layout.kubernetes
    if kubernetes_ca is None or kubernetes is None:
        return {}
    tokens = tuple(one.files.key for one in now.several if one.is_tokens)
    own = {
        role: (kubernetes_ca.files.cert, *embedding) if bundles else files.get(role, ())
        for role, embedding in _embedding(kubernetes).items()
    }
    return {
        "kube-controller-manager": (*own["controller-manager"], *tokens, kubernetes.signing_ca),
        "kube-scheduler": own["scheduler"],
    }


def _embedding(kubernetes: KubernetesLayout) -> dict[str, tuple[str, ...]]:
    """The kubeconfigs that embed the CA, by the role of their users."""
    clients = {"controller-manager": kubernetes.controller_manager, "scheduler": kubernetes.scheduler}
    return {role: () if client.files else (client.kubeconfig,) for role, client in clients.items()}


def _kubelet(now: CaReplacement, host: Host, phase: str, files: dict[str, tuple[str, ...]], *, bundles: bool) -> Group:
    kubernetes_ca = now.of(KUBERNETES_CA)
    if kubernetes_ca is None or kubelet_leaf(now.ctx, host) is None:
        return ()
    return (kubelet_restart(host, phase, (kubernetes_ca.files.cert,) if bundles else files.get(ROLE, ()), phase),)


def _balancer(now: CaReplacement, host: Host, phase: str, *, bundles: bool) -> Group:
    kubernetes_ca = now.of(KUBERNETES_CA)
    if not bundles or kubernetes_ca is None or host not in kubernetes_ca.users:
        return ()
    return haproxy_reload(now.ctx, host, phase, (kubernetes_ca.files.cert,), phase)


def leaf_files(mine: tuple[HostLeaf, ...]) -> dict[str, tuple[str, ...]]:
    return {one.leaf.name: one.files for one in mine}


def serving(now: CaReplacement, host: Host) -> tuple[Check, ...]:
    kubernetes = now.ctx.layout.kubernetes
    if kubernetes is None or now.of(KUBERNETES_CA) is None or host not in now.ctx.control_planes:
        return ()
    return (serves(host, api_port(now.ctx, host), kubernetes.apiserver.cert),)
