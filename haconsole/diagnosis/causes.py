"""Causes that rules of several modules declare for a component or a kubelet. A key that no finding has is no cause."""

from __future__ import annotations

from haconsole.diagnosis.candidate import Key, on
from haconsole.model.hosts import HostFacts, ServiceKind
from haconsole.model.observed import value_of

CERTIFICATE_CODES = ("cert.expired", "cert.not-yet-valid", "cert.key-mismatch", "cert.wrong-ca", "cert.wrong-usage")
"""Problems of a certificate for which peers refuse it."""
TIMES_OUT: Key = ("endpoint.times-out", "endpoint")
"""No kubelet whose requests time out at the balancer reports to the API."""
WAITS_FOR_API: Key = ("kubelet.waits-for-api", "kubelet")
"""No kubelet starts a static pod, so no component of the control plane runs."""
POD_CODES = (
    "static-pod.manifest-missing",
    "static-pod.unreadable-manifest",
    "static-pod.crash-loop",
    "static-pod.not-started",
)
HOST_CODES = ("runtime.cri-disabled", "runtime.down", "kubelet.down", "runtime.cgroup-driver")


def first_causes(host: str, name: str) -> tuple[Key, ...]:
    """The causes of a component that does not run that come before all others."""
    return (("kubeadm.leftovers", host), ("host.port-taken", f"{name}@{host}"))


def setup_causes(host: str, name: str) -> tuple[Key, ...]:
    """Findings about what a unit needs, which take it down or make it slow; the likeliest first."""
    unit = f"{name}@{host}"
    return tuple(
        (code, unit)
        for code in (
            "service.requirement-missing",
            "service.changed-settings",
            "service.limited",
            "component.kubeconfig-wrong",
        )
    )


def pod_causes(facts: HostFacts, name: str) -> tuple[Key, ...]:
    """Findings about a component's static pod, its kubelet and its runtime; none where it is a unit."""
    service = facts.service(name)
    if value_of(facts.kubelet) is None or (service is not None and service.kind is not ServiceKind.STATIC_POD):
        return ()
    pod = f"{name}@{facts.host}"
    stray = ("static-pod.stray-manifest", pod)
    return (*((code, pod) for code in POD_CODES), *on(facts.host, *HOST_CODES), stray)


def kubelet_causes(host: str) -> tuple[Key, ...]:
    """Findings on a host that keep its kubelet from running."""
    return on(
        host,
        *("kubelet.cert-expired", "host.swap-on", "runtime.cri-disabled", "runtime.down", "runtime.cgroup-driver"),
        "host.disk-full",
    )
