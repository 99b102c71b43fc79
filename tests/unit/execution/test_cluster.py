"""The states that etcd and haproxy report, against the checks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from haconsole.actions.checks import BackendsUp, ServerIs
from haconsole.execution.verify.cluster import backend_problems, etcd_problems, server_problems
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts
from haconsole.model.observed import value_of
from tests.fakes.cluster import healthy, server


def endpoint() -> EtcdEndpoint:
    result = value_of(healthy().hosts[0].etcd)
    assert result is not None
    return result


def test_a_healthy_member_with_all_voters() -> None:
    assert etcd_problems("cp1", endpoint(), 3) == ()


@pytest.mark.parametrize(
    ("etcd_endpoint", "problem"),
    [
        (
            replace(endpoint(), healthy=False, health_error="no leader"),
            "cp1: etcd answers no linearizable read: no leader",
        ),
        (replace(endpoint(), members=endpoint().members[:2]), "cp1: etcd lists 2 voters, not 3"),
        (
            replace(endpoint(), members=(*endpoint().members[:2], replace(endpoint().members[2], name=""))),
            "cp1: etcd lists 1 members that have not started",
        ),
        (
            replace(endpoint(), members=(*endpoint().members[:2], replace(endpoint().members[2], learner=True))),
            "cp1: etcd lists 2 voters, not 3",
        ),
    ],
)
def test_problems_of_etcd_are_named(etcd_endpoint: EtcdEndpoint, problem: str) -> None:
    assert etcd_problems("cp1", etcd_endpoint, 3) == (problem,)


def test_backends() -> None:
    servers = (server(1), server(2), server(3, "DOWN", "L7STS"))
    facts = HaproxyFacts("2.6", 9, (HaproxyBackend("k8s_server_6443", servers),))
    assert backend_problems("cp1", facts, "k8s_server_6443", BackendsUp(("cp1", "cp2"))) == ()
    assert backend_problems("cp1", facts, "k8s_server_6443", BackendsUp(("cp1", "cp3", "cp4"))) == (
        "cp1: haproxy's backend k8s_server_6443 has no server cp4",
        "cp1: haproxy reports cp3 DOWN (L7STS)",
    )


def test_servers_are_found_by_their_addresses_whatever_their_names() -> None:
    servers = (server(1), server(3, "DOWN", "L7STS"))
    facts = HaproxyFacts("2.6", 9, (HaproxyBackend("apiserverbackend", servers),))
    at = {n: (f"10.99.0.1{n}:6443",) for n in (1, 3, 4)}
    assert backend_problems("cp1", facts, "k8s_server_6443", BackendsUp(("m1",), (at[1],))) == ()
    assert backend_problems("cp1", facts, "k8s_server_6443", BackendsUp(("m1", "m3", "m4"), tuple(at.values()))) == (
        "cp1: no backend of haproxy has a server for m4",
        "cp1: haproxy reports m3 DOWN (L7STS)",
    )


@pytest.mark.parametrize(
    ("check", "problems"),
    [
        (
            ServerIs("k8s_server_6443", "m1", AdminState.DRAIN, (), ("10.99.0.11:6443",), may_lack=False),
            ("not in drain",),
        ),
        (ServerIs("", "", AdminState.READY, (), ("10.99.0.11:6443",), may_lack=False), ()),
        (
            ServerIs("", "", AdminState.DRAIN, (), ("10.99.0.19:6443",), may_lack=False),
            ("no server at 10.99.0.19:6443",),
        ),
        (ServerIs("", "", AdminState.DRAIN, (), ("10.99.0.19:6443",)), ()),
        (ServerIs("", "", AdminState.READY, (), ("10.99.0.19:6443",)), ("no server at 10.99.0.19:6443",)),
        (ServerIs("apiserverbackend", "cp1", AdminState.READY, ()), ()),
    ],
)
def test_a_server_that_is_missing_is_not_drained(check: ServerIs, problems: tuple[str, ...]) -> None:
    facts = HaproxyFacts("2.6", 9, (HaproxyBackend("apiserverbackend", (server(1),)),))
    result = server_problems("cp1", facts, check)
    assert len(result) == len(problems)
    assert all(part in sentence for part, sentence in zip(problems, result, strict=True))
