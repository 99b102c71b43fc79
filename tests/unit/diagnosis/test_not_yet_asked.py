"""While a live view begins, much is not queried yet: that gives no findings, and is not healthy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose, health
from haconsole.model.findings import Health
from haconsole.model.hosts import FACTS
from haconsole.model.observed import NOT_ASKED
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NAMES, NOW, changed, etcd_silent, healthy
from tests.fakes.session import critical


def without(snapshot: ClusterSnapshot, unasked: frozenset[tuple[str, str]]) -> ClusterSnapshot:
    hosts = tuple(
        replace(facts, **{name: NOT_ASKED for name in FACTS if (facts.host, name) in unasked})
        for facts in snapshot.hosts
    )
    return replace(snapshot, hosts=hosts)


@settings(max_examples=200, deadline=None)
@given(st.frozensets(st.sampled_from([(host, fact) for host in NAMES for fact in FACTS])), st.booleans())
def test_unqueried_facts_give_no_findings(unasked: frozenset[tuple[str, str]], leases: bool) -> None:
    snapshot = without(healthy(), unasked)
    snapshot = snapshot if leases else replace(snapshot, leases=NOT_ASKED)
    assert diagnose(snapshot, INVENTORY, NOW) == ()


@pytest.mark.parametrize("fact", ["reach", "etcd"])
def test_an_unqueried_fact_is_not_healthy(fact: str) -> None:
    assert health(healthy(), ()) is Health.HEALTHY
    assert health(without(healthy(), frozenset({("cp2", fact)})), ()) is Health.UNKNOWN


def test_a_quorum_lost_whatever_the_other_members_report_is_a_finding() -> None:
    snapshot = changed(changed(healthy(), 1, etcd_silent), 2, etcd_silent)
    findings = diagnose(without(snapshot, frozenset({("cp3", "etcd")})), INVENTORY, NOW)
    assert "etcd.quorum-lost" in [finding.code for finding in findings]
    one = changed(healthy(), 1, etcd_silent)
    findings = diagnose(without(one, frozenset({("cp3", "etcd")})), INVENTORY, NOW)
    assert [finding.code for finding in findings] == ["etcd.member-down"]


def test_problems_are_found_though_facts_are_missing() -> None:
    snapshot = without(critical(), frozenset({("cp1", "etcd")}))
    findings = diagnose(snapshot, INVENTORY, NOW)
    assert health(snapshot, findings) is Health.CRITICAL
