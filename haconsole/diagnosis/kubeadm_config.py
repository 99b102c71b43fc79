"""Rules about kubeadm's own records: hosts, endpoints, CAs, versions and settings that the cluster no longer has."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from haconsole.diagnosis.candidate import Candidate, Key
from haconsole.diagnosis.remedies import advice
from haconsole.inventory.effective import endpoint, is_address, split_host_port
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Advice, Finding, Severity
from haconsole.model.hosts import Role
from haconsole.model.kubeadm import ClusterConfiguration, ClusterInfo, KubeletConfiguration
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

SUBJECT = "kubeadm-config"
_EDIT = "kubectl -n kube-system edit configmap kubeadm-config"
_WHY = "kubeadm reads this record when a control plane joins, leaves or is upgraded."


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """At most one candidate for each record, with every difference as evidence."""
    record = value_of(snapshot.kubeadm)
    if record is None:
        return
    yield from _record(
        SUBJECT,
        _WHY,
        (*_hosts(record, snapshot), *_endpoint(record, inventory), *_version(record, snapshot)),
        *(("node.missing", name) for name in record.control_planes),
    )
    if record.cluster_info is not None:
        yield from _record(
            "cluster-info",
            "A joining host connects to this server and trusts only this CA, so joins fail.",
            (*_server(record.cluster_info, inventory), *_authorities(record.cluster_info, snapshot)),
            ("cert.ca-rotation-open", "kubernetes-ca"),
            ("cert.wrong-ca", "kubernetes-ca"),
        )
    if record.kubelet is not None:
        yield from _record(
            record.kubelet.name,
            "kubeadm writes this as kubelet's configuration when a host joins or is upgraded.",
            tuple(_kubelets(record.kubelet, snapshot)),
            *(("runtime.cgroup-driver", facts.host) for facts in snapshot.hosts),
        )


def _record(
    subject: str, why: str, differences: tuple[tuple[str, Advice], ...], *caused_by: Key
) -> Iterator[Candidate]:
    if differences:
        yield Candidate(
            Finding(
                "kubeadm.config-stale",
                Severity.WARNING,
                subject,
                differences[0][0],
                why,
                tuple(text for text, _ in differences[1:]),
                tuple(dict.fromkeys(fix for _, fix in differences)),
            ),
            caused_by,
        )


def _hosts(record: ClusterConfiguration, snapshot: ClusterSnapshot) -> Iterator[tuple[str, Advice]]:
    nodes = {node.name for node in value_of(snapshot.nodes) or ()}
    missing = [name for name in record.control_planes if nodes and name not in nodes]
    if missing:
        names = ", ".join(missing)
        yield (
            f"kubeadm-config lists control planes that are not nodes of the cluster: {names}",
            advice(f"{_EDIT}: delete {names} under apiEndpoints of ClusterStatus"),
        )


def _endpoint(record: ClusterConfiguration, inventory: Inventory) -> Iterator[tuple[str, Advice]]:
    host = split_host_port(record.endpoint)[0] if record.endpoint else ""
    if expected := _another_endpoint(host, inventory):
        yield (
            f"kubeadm-config has the endpoint {record.endpoint}, the inventory {expected}",
            advice(f"{_EDIT}: correct controlPlaneEndpoint of ClusterConfiguration, or correct the inventory"),
        )


def _another_endpoint(host: str, inventory: Inventory) -> str:
    """The inventory's endpoint if nothing there has the address `host`; a name may lead anywhere."""
    expected = endpoint(inventory)
    if expected is None or not is_address(host) or not is_address(expected[0]):
        return ""
    addresses = {expected[0], *(vip.address.partition("/")[0] for vip in inventory.vips)}
    addresses |= {one.address for one in inventory.hosts}
    return "" if host in addresses else f"{expected[0]}:{expected[1]}"


def _server(info: ClusterInfo, inventory: Inventory) -> Iterator[tuple[str, Advice]]:
    if expected := _another_endpoint(urlsplit(info.server).hostname or "", inventory):
        yield (
            f"cluster-info has the server {info.server}, the inventory's endpoint is {expected}",
            advice(f"{_EDIT_INFO}: set server to https://{expected}, or correct the inventory"),
        )


def _authorities(info: ClusterInfo, snapshot: ClusterSnapshot) -> Iterator[tuple[str, Advice]]:
    """None of its CAs is in ca.crt of a control plane; during a rotation both have the old one."""
    in_use = {
        certificate.fingerprint
        for facts in snapshot.hosts
        if facts.has(Role.CONTROL_PLANE)
        for certificate in value_of(facts.certificates) or ()
        if certificate.role == "kubernetes-ca"
    }
    if in_use and not in_use & set(info.authorities):
        prints = " and ".join(one[:16] for one in info.authorities) or "none"
        yield (
            f"cluster-info embeds another CA than ca.crt of the control planes (SHA-256 {prints})",
            advice(
                f"{_EDIT_INFO}: set certificate-authority-data to the output of base64 -w0 "
                "/etc/kubernetes/pki/ca.crt on a control plane"
            ),
        )


_EDIT_INFO = "kubectl -n kube-public edit configmap cluster-info"


def _kubelets(record: KubeletConfiguration, snapshot: ClusterSnapshot) -> Iterator[tuple[str, Advice]]:
    """Settings by which a host stops working at its next upgrade, or its certificate is not renewed."""
    edit = f"kubectl -n kube-system edit configmap {record.name}"
    for facts in snapshot.hosts:
        kubelet = value_of(facts.kubelet)
        if kubelet is None:
            continue
        flags = {flag.lstrip("-").partition("=")[0] for flag in kubelet.flags}
        driver = "" if "cgroup-driver" in flags else kubelet.cgroup_driver
        if record.cgroup_driver and driver and driver != record.cgroup_driver:
            yield (
                f"{record.name} has cgroupDriver {record.cgroup_driver}, kubelet on {facts.host} uses {driver}",
                advice(f"{edit}: set the cgroupDriver that the hosts and their containerd use"),
            )
        if record.fail_swap_on is not False and not kubelet.fail_swap_on and kubelet.swaps:
            yield (
                f"kubelet on {facts.host} runs with swap because of failSwapOn: false, which {record.name} lacks",
                advice(f"{edit}: set failSwapOn: false, or turn swap off on {facts.host}"),
            )
        if kubelet.rotates_certificates is False:
            yield (
                f"kubelet on {facts.host} does not renew its certificate: rotateCertificates is false",
                advice(
                    f"on {facts.host}: set rotateCertificates: true in {kubelet.config_file}, then systemctl restart "
                    "kubelet"
                ),
            )
    if record.rotates_certificates is False:
        yield (
            f"{record.name} has rotateCertificates: false, so kubelets of new hosts do not renew their certificates",
            advice(f"{edit}: set rotateCertificates: true"),
        )


def _version(record: ClusterConfiguration, snapshot: ClusterSnapshot) -> Iterator[tuple[str, Advice]]:
    """All API servers run another version: an upgrade was not ended."""
    servers = [facts.version for each in snapshot.hosts if (facts := value_of(each.apiserver)) and facts.version]
    running = set(servers)
    if len(running) == 1 and record.version and record.version not in running:
        (version,) = running
        yield (
            f"kubeadm-config has Kubernetes {record.version}, every API server runs {version}",
            advice(f"finish the upgrade: kubeadm upgrade apply {version} on a control plane"),
        )
