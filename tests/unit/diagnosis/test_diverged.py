"""A member whose data differs from the others' is found by the hashes of all members at one revision."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdHash
from haconsole.model.findings import Severity
from haconsole.model.names import MemberId
from haconsole.model.observed import NOT_ASKED, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy

Numbers = tuple[int, int, int]
"""Revision, compact revision and hash."""


def hashed(*hashes: Numbers | None) -> ClusterSnapshot:
    snapshot = healthy()
    for number, each in enumerate(hashes, 1):
        fact: Observed[EtcdHash] = Known(EtcdHash(MemberId(f"a{number}"), *each), NOW) if each else NOT_ASKED
        snapshot = changed(snapshot, number, partial(replace, etcd_hash=fact))
    return snapshot


def test_equal_hashes_are_no_finding() -> None:
    assert diagnose(hashed(*((90, 10, 7),) * 3), INVENTORY, NOW) == ()


def test_the_member_that_differs_from_the_majority_is_named() -> None:
    (finding,) = diagnose(hashed((90, 10, 7), (90, 10, 8), (90, 10, 7)), INVENTORY, NOW)
    assert (finding.code, finding.subject, finding.severity) == ("etcd.corrupt", "cp2", Severity.CRITICAL)
    assert "cp2: hash 8 at revision 90" in finding.evidence
    assert [call.action for call in finding.calls] == ["remove", "join"]


def test_two_members_that_differ_have_no_odd_one() -> None:
    (finding,) = diagnose(hashed((90, 10, 7), (90, 10, 8), None), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("etcd.corrupt", "etcd")
    assert finding.calls[0].last_resort


def test_hashes_of_other_revisions_or_compactions_are_not_compared() -> None:
    assert diagnose(hashed((90, 10, 7), (90, 20, 8), (90, 10, 7)), INVENTORY, NOW) == ()
    assert diagnose(hashed((90, 10, 7), (80, 10, 8), None), INVENTORY, NOW) == ()


def test_the_hash_of_a_member_that_was_replaced_since_then_counts_no_more() -> None:
    snapshot = hashed((90, 10, 7), (90, 10, 8), (90, 10, 7))
    replaced = Known(replace(cluster.endpoint(2), member_id=MemberId("b2")), NOW)
    after = changed(snapshot, 2, partial(replace, etcd=replaced))
    assert [finding.code for finding in diagnose(snapshot, INVENTORY, NOW)] == ["etcd.corrupt"]
    assert "etcd.corrupt" not in [finding.code for finding in diagnose(after, INVENTORY, NOW)]
