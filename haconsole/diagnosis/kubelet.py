"""Rules about kubelet and the container runtime beneath it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, Key, on
from haconsole.diagnosis.causes import first_causes, kubelet_causes
from haconsole.diagnosis.remedies import advice
from haconsole.diagnosis.services import service_evidence
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.kubelet import KubeletFacts
from haconsole.model.observed import Known, value_of
from haconsole.model.services import crash_loops, is_stopped
from haconsole.model.snapshot import ClusterSnapshot

CONTAINERD_CONFIG = "/etc/containerd/config.toml"
RECENT = timedelta(minutes=5)
_ERRORS_SHOWN = 3


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about every host with a kubelet."""
    for facts in snapshot.hosts:
        kubelet = value_of(facts.kubelet)
        yield from _stopped(facts)
        if kubelet is not None:
            yield from _runtime(facts, kubelet)


def node_causes(host: str) -> tuple[Key, ...]:
    """Findings on a host that keep its node from being ready, the likeliest first."""
    return (
        *on(host, "host.unreachable", "runtime.cri-disabled", "runtime.down", "runtime.cgroup-driver", "kubelet.down"),
        *((code, f"{unit}@{host}") for code in _UNIT_CODES for unit in ("containerd", "kubelet")),
        *on(host, "kubelet.cert-expired", "host.swap-on", "host.slow", "host.disk-full"),
    )


_UNIT_CODES = ("service.masked", "service.crash-loop", "service.hung")


def kubelet_errors(facts: HostFacts) -> tuple[str, ...]:
    """kubelet's newest error lines of the last minutes before it was read, as evidence."""
    if not isinstance(facts.kubelet, Known):
        return ()
    since = facts.kubelet.at - RECENT
    errors = tuple(error.text for error in facts.kubelet.value.errors if error.at >= since)
    return tuple(f"kubelet logs: {text}" for text in errors[-_ERRORS_SHOWN:])


def _stopped(facts: HostFacts) -> Iterator[Candidate]:
    """kubelet is stopped: not masked and in no crash loop, for which there are findings of their own."""
    unit = facts.service("kubelet")
    if unit is None or unit.running or not isinstance(facts.services, Known) or crash_loops(unit, facts.services.at):
        return
    plane = facts.has(Role.CONTROL_PLANE) or facts.has(Role.ETCD)
    consequence = "The host's containers keep running, but nothing restarts them" + (
        ", etcd and the API server included." if plane else "."
    )
    missing = f"install kubelet on {facts.host}, or remove the host's role from the inventory"
    yield Candidate(
        Finding(
            "kubelet.down",
            Severity.WARNING,
            facts.host,
            f"kubelet is not running on {facts.host}",
            f"{consequence} The node turns NotReady within a minute, and its pods are evicted five minutes later.",
            (*service_evidence(facts, "kubelet"), *kubelet_errors(facts)),
            (
                advice(f"on {facts.host}: systemctl start kubelet" if unit.exists else missing),
                advice(f"find out why kubelet stopped: journalctl -u kubelet on {facts.host}"),
            ),
        ),
        (
            *first_causes(facts.host, "kubelet"),
            NOT_BOOTSTRAPPED,
            ("service.masked", f"kubelet@{facts.host}"),
            *on(facts.host, "runtime.cri-disabled", "runtime.down", "runtime.cgroup-driver", "host.disk-full"),
            *kubelet_causes(facts.host),
        ),
    )


def _runtime(facts: HostFacts, kubelet: KubeletFacts) -> Iterator[Candidate]:
    endpoint = kubelet.runtime_endpoint
    if endpoint and "containerd" not in endpoint:
        return
    unit = facts.service("containerd")
    if unit is not None and unit.exists and not unit.running and not unit.masked:
        yield _containerd_down(facts)
    if kubelet.containerd is not None and kubelet.containerd.cri_disabled:
        yield _cri_disabled(facts)
    drivers = _drivers(kubelet)
    if drivers is not None:
        yield _different_drivers(facts, *drivers)


def _containerd_down(facts: HostFacts) -> Candidate:
    units = "containerd kubelet" if is_stopped(facts.service("kubelet")) else "containerd"
    return Candidate(
        Finding(
            "runtime.down",
            Severity.WARNING,
            facts.host,
            f"the container runtime, containerd, is not running on {facts.host}",
            "Running containers stay up, but kubelet can neither start nor restart any, and the node turns NotReady.",
            service_evidence(facts, "containerd"),
            (
                advice(f"on {facts.host}: systemctl start {units}"),
                advice(f"find out why containerd stopped: journalctl -u containerd on {facts.host}"),
            ),
        ),
        (("service.crash-loop", f"containerd@{facts.host}"), *on(facts.host, "host.disk-full")),
    )


def _cri_disabled(facts: HostFacts) -> Candidate:
    return Candidate(
        Finding(
            "runtime.cri-disabled",
            Severity.WARNING,
            facts.host,
            f"containerd on {facts.host} has its CRI plugin disabled",
            "kubelet uses containerd only through the CRI. Once containerd has loaded this setting, no pod "
            "can run on the host.",
            (f"{CONTAINERD_CONFIG} has cri among disabled_plugins", *kubelet_errors(facts)),
            (
                advice(
                    f"on {facts.host}: remove cri from disabled_plugins in {CONTAINERD_CONFIG}, then systemctl restart "
                    "containerd kubelet"
                ),
            ),
        )
    )


def _drivers(kubelet: KubeletFacts) -> tuple[str, str] | None:
    """The cgroup drivers of kubelet and containerd where both are known and differ."""
    if kubelet.containerd is None or kubelet.containerd.systemd_cgroup is None or not kubelet.cgroup_driver:
        return None
    runtime = "systemd" if kubelet.containerd.systemd_cgroup else "cgroupfs"
    return (kubelet.cgroup_driver, runtime) if kubelet.cgroup_driver != runtime else None


def _different_drivers(facts: HostFacts, of_kubelet: str, of_runtime: str) -> Candidate:
    return Candidate(
        Finding(
            "runtime.cgroup-driver",
            Severity.WARNING,
            facts.host,
            f"kubelet and containerd on {facts.host} use different cgroup drivers",
            "Two managers of one cgroup tree conflict under load: pods restart again and again.",
            (
                f"kubelet: cgroupDriver {of_kubelet}",
                (
                    f"containerd: SystemdCgroup = {str(of_runtime == 'systemd').lower()}, so its cgroup driver is "
                    f"{of_runtime}"
                ),
                *kubelet_errors(facts),
            ),
            (
                advice(
                    f"on {facts.host}: use systemd in both, SystemdCgroup = true in {CONTAINERD_CONFIG} and "
                    f"cgroupDriver: "
                    "systemd in kubelet's configuration; restart containerd, then kubelet"
                ),
            ),
        )
    )
