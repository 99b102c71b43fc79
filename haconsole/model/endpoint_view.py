"""The control planes that answer behind an endpoint whose balancer is outside of the inventory."""

from __future__ import annotations

import msgspec

from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot

_ROLE = "apiserver"


class EndpointView(msgspec.Struct, frozen=True):
    """Connections through an endpoint, combined from all hosts that made some."""

    address: str
    """``address:port``."""
    answering: tuple[HostName, ...]
    """Control planes whose API server's certificate was presented."""
    unrecognised: int
    """Presented certificates that no control plane is known to have: a balancer's own, or one not read yet."""

    @property
    def sentence(self) -> str:
        """``endpoint 10.0.0.9:6443: cp1, cp2 answered``."""
        names = ", ".join(self.answering)
        others = f"{self.unrecognised} unrecognised certificate{'s' * (self.unrecognised > 1)}"
        who = " and ".join(part for part in (names, others if self.unrecognised else "") if part)
        return f"endpoint {self.address}: {f'{who} answered' if who else 'no TLS answer to any host'}"


def endpoint_view(snapshot: ClusterSnapshot) -> EndpointView | None:
    """None where the endpoint is a VIP or host of the inventory, or nothing was read yet."""
    reports = tuple(facts.endpoint_answers for facts in snapshot.hosts if facts.endpoint_answers is not None)
    if not reports:
        return None
    presented = {one for report in reports for one in report.fingerprints}
    own = {facts.host: _fingerprints(facts) for facts in snapshot.hosts if facts.has(Role.CONTROL_PLANE)}
    answering = tuple(host for host, fingerprints in own.items() if fingerprints & presented)
    return EndpointView(reports[0].address, answering, len(presented.difference(*own.values())))


def _fingerprints(facts: HostFacts) -> set[str]:
    """The certificate of the file and that of the process, which differ until a restart."""
    certificates = (one for one in value_of(facts.certificates) or () if one.role == _ROLE)
    return {one for each in certificates for one in (each.fingerprint, each.served_fingerprint) if one}
