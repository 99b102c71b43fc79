"""Rules about kubeadm's own record of the cluster: hosts, an endpoint or a version that the cluster no longer has."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.diagnosis.candidate import Candidate
from haconsole.diagnosis.remedies import advice
from haconsole.inventory.effective import endpoint, is_address, split_host_port
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Advice, Finding, Severity
from haconsole.model.kubeadm import ClusterConfiguration
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

SUBJECT = "kubeadm-config"
_EDIT = "kubectl -n kube-system edit configmap kubeadm-config"
_WHY = "kubeadm reads this record when a control plane joins, leaves or is upgraded."


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """At most one candidate, with every difference as evidence."""
    record = value_of(snapshot.kubeadm)
    if record is None:
        return
    differences = [*_hosts(record, snapshot), *_endpoint(record, inventory), *_version(record, snapshot)]
    if differences:
        yield Candidate(
            Finding(
                "kubeadm.config-stale",
                Severity.WARNING,
                SUBJECT,
                differences[0][0],
                _WHY,
                tuple(text for text, _ in differences[1:]),
                tuple(fix for _, fix in differences),
            ),
            tuple(("node.missing", name) for name in record.control_planes),
        )


def _hosts(record: ClusterConfiguration, snapshot: ClusterSnapshot) -> Iterator[tuple[str, Advice]]:
    nodes = {node.name for node in value_of(snapshot.nodes) or ()}
    missing = [name for name in record.control_planes if nodes and name not in nodes]
    if missing:
        names = ", ".join(missing)
        yield (
            f"kubeadm-config names control planes that are no nodes: {names}",
            advice(f"{_EDIT}: delete {names} under apiEndpoints of ClusterStatus"),
        )


def _endpoint(record: ClusterConfiguration, inventory: Inventory) -> Iterator[tuple[str, Advice]]:
    """An address that nothing in the inventory has; a name may lead anywhere."""
    host = split_host_port(record.endpoint)[0] if record.endpoint else ""
    expected = endpoint(inventory)
    if expected is None or not is_address(host):
        return
    addresses = {expected[0], *(vip.address.partition("/")[0] for vip in inventory.vips)}
    addresses |= {one.address for one in inventory.hosts}
    if host not in addresses and is_address(expected[0]):
        yield (
            f"kubeadm-config has the endpoint {record.endpoint}, the inventory {expected[0]}:{expected[1]}",
            advice(f"{_EDIT}: correct controlPlaneEndpoint of ClusterConfiguration, or correct the inventory"),
        )


def _version(record: ClusterConfiguration, snapshot: ClusterSnapshot) -> Iterator[tuple[str, Advice]]:
    """All API servers run another version: an upgrade was not ended."""
    servers = [facts.version for each in snapshot.hosts if (facts := value_of(each.apiserver)) and facts.version]
    running = set(servers)
    if len(running) == 1 and record.version and record.version not in running:
        (version,) = running
        yield (
            f"kubeadm-config has Kubernetes {record.version}, every API server runs {version}",
            advice(f"end the upgrade: kubeadm upgrade apply {version} on a control plane"),
        )
