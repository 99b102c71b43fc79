"""The measurements of an API server, from its /metrics (kubernetes.io: Kubernetes Metrics Reference)."""

from __future__ import annotations

from haconsole.model.metrics import ApiserverMetrics
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.exposition import samples

_IN_FLIGHT = "apiserver_current_inflight_requests"
_REQUESTS = "apiserver_request_total"


def metrics_of(text: str, clock_s: float) -> ApiserverMetrics:
    """The metrics in a page that was read at `clock_s`; ProbeError if it is no page of an API server's metrics."""
    in_flight = requests = errors = 0
    known = False
    for sample in samples(text, (_IN_FLIGHT, _REQUESTS)):
        known = True
        if sample.name == _IN_FLIGHT:
            in_flight += int(sample.value)
            continue
        requests += int(sample.value)
        if sample.labels.get("code", "").startswith("5"):
            errors += int(sample.value)
    if not known:
        raise ProbeError(f"kube-apiserver: /metrics has neither {_IN_FLIGHT} nor {_REQUESTS}", Cause.UNREADABLE)
    return ApiserverMetrics(clock_s, in_flight, requests, errors)
