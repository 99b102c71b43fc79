"""What etcd and haproxy say of themselves, against what checks want."""

from __future__ import annotations

from dataclasses import replace

import pytest

from haconsole.execution.cluster import backend_problems, etcd_problems
from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.haproxy import HaproxyBackend, HaproxyFacts
from haconsole.model.observed import value_of
from tests.fakes.cluster import healthy, server


def endpoint() -> EtcdEndpoint:
    found = value_of(healthy().hosts[0].etcd)
    assert found is not None
    return found


def test_a_healthy_member_with_all_voters() -> None:
    assert etcd_problems("cp1", endpoint(), 3) == ()


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (replace(endpoint(), healthy=False, health_error="no leader"), "cp1: etcd does not read: no leader"),
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
def test_what_is_wrong_with_etcd_is_told(found: EtcdEndpoint, problem: str) -> None:
    assert etcd_problems("cp1", found, 3) == (problem,)


def test_backends() -> None:
    servers = (server(1), server(2), server(3, "DOWN", "L7STS"))
    facts = HaproxyFacts("2.6", 9, (HaproxyBackend("k8s_server_6443", servers),))
    assert backend_problems("cp1", facts, "k8s_server_6443", ("cp1", "cp2")) == ()
    assert backend_problems("cp1", facts, "k8s_server_6443", ("cp1", "cp3", "cp4")) == (
        "cp1: haproxy's backend k8s_server_6443 has no cp4",
        "cp1: haproxy sees cp3 DOWN (L7STS)",
    )
