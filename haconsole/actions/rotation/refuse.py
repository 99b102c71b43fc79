"""Why a rotation is not even planned."""

from __future__ import annotations

from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.refuse import clocks, unreachable
from haconsole.actions.rotation.authorities import Material
from haconsole.inventory.schema import Deployment, EtcdPlacement
from haconsole.model.names import HostName
from haconsole.model.observed import Known, reason_of


def refusals(found: Ground, host: str | None, silent: frozenset[str] | None = None) -> tuple[str, ...]:
    """Every reason at once. `silent` hosts are left out where that is said, and a reason where it is not."""
    if host is not None and found.inventory.find(host) is None:
        return (f"the inventory has no host {host}",)
    return (*_unsupported(found), *_unreached(found, host, silent), *clocks(found), *_unread(found))


def unfinished(several: tuple[Material, ...]) -> tuple[str, ...]:
    """While CAs are replaced, leaves are that plan's."""
    names = ", ".join(one.name for one in several if one.begun)
    if not names:
        return ()
    return (f"{names}: a new CA is on its way in: go on with rotate-certs --ca, or take it back with --ca --back",)


def _unreached(found: Ground, host: str | None, silent: frozenset[str] | None) -> tuple[str, ...]:
    told = unreachable(found)
    if silent is None or host in silent or len(silent) == len(found.hosts):
        return told
    return ()


def _unsupported(found: Ground) -> tuple[str, ...]:
    inventory, reasons = found.inventory, []
    if inventory.kubernetes is not None and inventory.kubernetes.deployment is Deployment.KUBEADM:
        reasons.append(
            "kubernetes.deployment is kubeadm: this version rotates certificates of systemd units only; "
            "use kubeadm certs renew all, one control plane at a time"
        )
    if inventory.etcd.placement is EtcdPlacement.STATIC_POD:
        reasons.append("etcd.placement is static-pod: this version rotates certificates of systemd units only")
    return tuple(reasons)


def _unread(found: Ground) -> tuple[str, ...]:
    """Hosts that answer and whose certificates are not known: what would be replaced must be named."""
    reasons = []
    for host in found.etcd + tuple(one for one in found.control_planes if one not in found.etcd):
        facts = found.snapshot.host(HostName(host.name))
        if facts is None or isinstance(facts.certificates, Known) or not isinstance(facts.reach, Known):
            continue
        why = reason_of(facts.certificates) or "not asked"
        reasons.append(f"{host.name}: its certificates could not be read: {why}; where there are none, run bootstrap")
    return tuple(reasons)
