"""Finds the problems of a snapshot, and the cluster's health."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from haconsole.configs.layout import is_kubeadm, layout
from haconsole.diagnosis import (
    certificates,
    component_flags,
    endpoint_timeouts,
    etcd,
    etcd_disk,
    exposures,
    foreign_balancers,
    haproxy,
    haproxy_binds,
    hosts,
    known_texts,
    kube_vip,
    kubeadm_config,
    kubeadm_leftovers,
    kubeadm_remedies,
    kubelet,
    kubelet_needs,
    kubelet_start,
    kubernetes,
    links,
    nodes,
    outside_endpoint,
    reachability,
    repetitions,
    services,
    setups,
    static_pods,
    systems,
    unasked,
    vip,
    vip_port,
)
from haconsole.diagnosis.candidate import Candidate, collapse_to_root_causes
from haconsole.diagnosis.remedies import advice
from haconsole.errors import place
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Health, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.observed import Failed, Known, NotAsked
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.status import ClusterStatus


def status_of(snapshot: ClusterSnapshot, inventory: Inventory, now: datetime) -> ClusterStatus:
    """The snapshot with its findings and its health."""
    findings = diagnose(snapshot, inventory, now)
    return ClusterStatus(snapshot, findings, health(snapshot, findings))


def diagnose(snapshot: ClusterSnapshot, inventory: Inventory, now: datetime) -> tuple[Finding, ...]:
    """Findings, most severe first, one per cause; `now` is aware UTC and decides what has expired.

    Until it is known whether anything is installed, only findings about the hosts themselves.
    """
    if _too_early(snapshot):
        return collapse_to_root_causes(tuple(hosts.rules(snapshot)))
    haproxy_paths = layout(inventory).haproxy
    sections: tuple[tuple[str, Callable[[], Iterable[Candidate]]], ...] = (
        ("etcd", partial(etcd.rules, snapshot, inventory)),
        ("vip", partial(vip.rules, snapshot, haproxy_paths.health_port if haproxy_paths else None)),
        ("kube_vip", partial(kube_vip.rules, snapshot)),
        ("outside_endpoint", partial(outside_endpoint.rules, snapshot, inventory)),
        ("endpoint_timeouts", partial(endpoint_timeouts.rules, snapshot, inventory)),
        ("haproxy", partial(haproxy.rules, snapshot, inventory)),
        ("haproxy's addresses", partial(haproxy_binds.rules, snapshot, inventory)),
        ("kubernetes", partial(kubernetes.rules, snapshot, now)),
        ("component_flags", partial(component_flags.rules, snapshot, inventory)),
        ("certificates", partial(certificates.rules, snapshot, now)),
        ("hosts", partial(hosts.rules, snapshot)),
        ("services", partial(services.rules, snapshot)),
        ("systems", partial(systems.rules, snapshot)),
        ("links", partial(links.rules, snapshot)),
        ("reachability", partial(reachability.rules, snapshot, inventory)),
        ("setups", partial(setups.rules, snapshot, inventory)),
        ("exposures", partial(exposures.rules, snapshot, inventory)),
        ("repetitions", partial(repetitions.rules, snapshot)),
        ("etcd's disks", partial(etcd_disk.rules, snapshot)),
        ("vip_port", partial(vip_port.rules, snapshot, inventory)),
        ("unasked", partial(unasked.rules, snapshot)),
        ("kubelet", partial(kubelet.rules, snapshot)),
        ("kubelet_needs", partial(kubelet_needs.rules, snapshot, inventory)),
        ("kubelet_start", partial(kubelet_start.rules, snapshot, inventory)),
        ("kubeadm_leftovers", partial(kubeadm_leftovers.rules, snapshot, inventory)),
        ("static_pods", partial(static_pods.rules, snapshot)),
        ("nodes", partial(nodes.rules, snapshot, now)),
        ("kubeadm_config", partial(kubeadm_config.rules, snapshot, inventory)),
        ("foreign_balancers", partial(foreign_balancers.rules, snapshot, inventory)),
    )
    candidates = tuple(candidate for name, rules in sections for candidate in _safely(name, rules))
    refined = _safely("causes", partial(_refined, candidates, snapshot, inventory), candidates)
    return collapse_to_root_causes(refined)


def _refined(
    candidates: tuple[Candidate, ...], snapshot: ClusterSnapshot, inventory: Inventory
) -> tuple[Candidate, ...]:
    """The candidates with the changes that foreign files, known texts and kubeadm's layout require."""
    candidates = foreign_balancers.without_replacing(candidates, snapshot, inventory)
    candidates = known_texts.with_known_causes(candidates, kubeadm=is_kubeadm(inventory))
    return kubeadm_remedies.for_kubeadm(candidates, inventory)


def _safely(
    section: str, rules: Callable[[], Iterable[Candidate]], fallback: tuple[Candidate, ...] = ()
) -> tuple[Candidate, ...]:
    """The candidates of a section; a section that fails costs only its own findings, and a finding reports it."""
    try:
        return tuple(rules())
    except Exception as error:
        return (*fallback, _failed_section(section, error))


def _failed_section(section: str, error: Exception) -> Candidate:
    return Candidate(
        Finding(
            "console.rules-failed",
            Severity.WARNING,
            section,
            f"the checks of {section} ended with an error, so their findings are missing",
            "This is an error of haconsole, not of the cluster.",
            (f"{type(error).__name__} at {place(error)}",),
            (advice("check this part by hand, and report the error and its line as a bug"),),
        )
    )


def health(snapshot: ClusterSnapshot, findings: tuple[Finding, ...]) -> Health:
    """UNKNOWN if no host could be queried; otherwise the worst severity decides, and INFO does not count.

    Nothing is healthy before every fact was read once.
    """
    reaches = [facts.reach for facts in snapshot.hosts]
    if not any(isinstance(reach, Known) for reach in reaches):
        return Health.UNKNOWN
    severities = {finding.severity for finding in findings}
    if Severity.CRITICAL in severities:
        return Health.CRITICAL
    if Severity.WARNING in severities or any(isinstance(reach, Failed) for reach in reaches):
        return Health.DEGRADED
    unread = snapshot.pending or any(map(_not_observed, snapshot.hosts))
    return Health.UNKNOWN if unread else Health.HEALTHY


def _not_observed(facts: HostFacts) -> bool:
    """Nothing was queried yet."""
    complete = not facts.has(Role.ETCD) or not (
        isinstance(facts.etcd, NotAsked) or isinstance(facts.services, NotAsked)
    )
    return isinstance(facts.reach, NotAsked) or not complete


def _too_early(snapshot: ClusterSnapshot) -> bool:
    """No etcd member has answered so far, and the services of some reachable host are not known yet."""
    members = tuple(facts for facts in snapshot.hosts if facts.has(Role.ETCD))
    any_answer = any(isinstance(facts.etcd, Known) for facts in members)
    return not any_answer and any(
        isinstance(facts.reach, Known) and isinstance(facts.services, NotAsked) for facts in members
    )
