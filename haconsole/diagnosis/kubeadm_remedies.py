"""Remedies on clusters built with kubeadm: for an action that haconsole refuses there, the commands to run by hand."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.configs.layout import KubernetesLayout, Layout, is_kubeadm, layout
from haconsole.diagnosis.candidate import Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import EtcdPlacement, Inventory
from haconsole.model.findings import ActionCall, Advice, Finding, Remedy

RESTARTED_BY_HAND = ("kubelet", "containerd")
"""Units that no action of this console starts."""


def for_kubeadm(candidates: tuple[Candidate, ...], inventory: Inventory) -> tuple[Candidate, ...]:
    """The candidates; actions that are refused for this kind of cluster are replaced by advice."""
    places = layout(inventory)
    if places.kubernetes is None or not is_kubeadm(inventory):
        return tuple(replace(one, finding=_with_units_by_hand(one.finding)) for one in candidates)
    return tuple(replace(one, finding=_by_hand(one.finding, places, places.kubernetes)) for one in candidates)


def _with_units_by_hand(finding: Finding) -> Finding:
    remedies = (_unit_by_hand(remedy) or remedy for remedy in finding.remedies)
    return replace(finding, remedies=tuple(dict.fromkeys(remedies)))


def _by_hand(finding: Finding, places: Layout, kubernetes: KubernetesLayout) -> Finding:
    if finding.code in _OF_KUBEADM:
        return finding
    if finding.code == "probe.failed":
        return replace(finding, remedies=tuple(one for one in finding.remedies if not _is_bootstrap(one)))
    remedies = (_for_kubeadm(remedy, places, kubernetes) for remedy in finding.remedies)
    if finding.code == "cert.wrong-ca" and any(_is_bootstrap(remedy) for remedy in finding.remedies):
        return replace(finding, remedies=_ONE_CA)
    joins = (call("join", host=finding.subject),) if finding.code == "node.missing" else ()
    return replace(finding, remedies=tuple(dict.fromkeys((*joins, *remedies))))


_OF_KUBEADM = ("cluster.not-bootstrapped", "kubeadm.leftovers")
"""Findings whose actions are those for such clusters: their bootstrap is an init, not a repair of manifests."""


def _is_bootstrap(remedy: Remedy) -> bool:
    return isinstance(remedy, ActionCall) and remedy.action == "bootstrap"


_ONE_CA = (
    advice(
        "rename the CA and service account key files on the host where they differ. Then copy the CA certificate, the "
        "CA key and the service account key pair (sa.key, sa.pub) from another control plane"
    ),
    call("rotate-certs", "then reissue the certificates of that host"),
)
"""kubeadm gives every control plane the same CAs and sa pair; bootstrap does that for clusters of systemd units."""


def _for_kubeadm(remedy: Remedy, places: Layout, kubernetes: KubernetesLayout) -> Remedy:
    if not isinstance(remedy, ActionCall):
        return remedy
    arguments = remedy.request
    host = arguments.get("host", "")
    stacked = places.etcd.placement is EtcdPlacement.STATIC_POD
    text: str | None = None
    match remedy.action:
        case "bootstrap" if arguments.get("only") in (None, "etcd", "kubernetes"):
            text = _bootstrap(remedy, kubernetes)
        case "rejoin" if stacked and host:
            text = f"remove {host} and its etcd member; then run join {host}"
            return ActionCall("remove", (("host", host),), text, remedy.last_resort)
        case "join" | "remove" | "replace" if stacked:
            pass
        case "join" | "rejoin":
            text = f"on {host or 'the host'}: {_JOIN}"
        case "remove":
            text = _remove(arguments, places)
        case "replace":
            text = (
                f"if {arguments.get('old', 'the host')} is lost: {_member_remove(places)} on another control plane, "
                f"kubectl delete node {arguments.get('old', 'NODE')}, then on the new host: {_JOIN}"
            )
        case _:
            pass
    if text is None:
        return _unit_by_hand(remedy) or remedy
    return Advice(text, last_resort=remedy.last_resort)


_JOIN = (
    "kubeadm reset, then kubeadm join --control-plane with a new token and certificate key (kubeadm token create "
    "--print-join-command; kubeadm init phase upload-certs --upload-certs)"
)


def _unit_by_hand(remedy: Remedy) -> Remedy | None:
    """Start or unmask a unit that the actions do not know."""
    if not isinstance(remedy, ActionCall) or remedy.request.get("service") not in RESTARTED_BY_HAND:
        return None
    arguments = remedy.request
    unit, where = arguments["service"], f"on {arguments['host']}: " if "host" in arguments else ""
    commands = {"restart": f"systemctl restart {unit}", "unmask": f"systemctl unmask {unit} && systemctl start {unit}"}
    command = commands.get(remedy.action)
    return advice(f"{where}{command}") if command else None


def _bootstrap(call: ActionCall, kubernetes: KubernetesLayout) -> str:
    folder = kubernetes.manifest_dir or f"{kubernetes.config_dir}/manifests"
    what = f"{call.text}: " if call.text else ""
    return f"{what}correct the manifests in {folder}, one control plane at a time; kubelet restarts a pod that changed"


def _remove(arguments: dict[str, str], places: Layout) -> str:
    if member := arguments.get("member-id"):
        return f"on a healthy control plane: {_member_remove(places, member)}"
    host = arguments.get("host", "NODE")
    return f"kubectl delete node {host}; {_member_remove(places)}; then kubeadm reset on {host}"


def _member_remove(places: Layout, member: str = "ID") -> str:
    """etcdctl with the certificate that kubeadm makes for health checks."""
    if places.etcd.pki is None:
        return f"etcdctl member remove {member}"
    pki = places.etcd.pki
    return f"etcdctl --cacert {pki.ca.cert} --cert {pki.client.cert} --key {pki.client.key} member remove {member}"
