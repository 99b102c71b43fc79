"""A member whose data differs from the others' is found by the hashes of all members at one revision."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.etcd import EtcdHash
from haconsole.model.findings import Severity
from haconsole.model.observed import NOT_ASKED, Known, Observed
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy


def hashed(*hashes: EtcdHash | None) -> ClusterSnapshot:
    snapshot = healthy()
    for number, each in enumerate(hashes, 1):
        fact: Observed[EtcdHash] = Known(each, NOW) if each else NOT_ASKED
        snapshot = changed(snapshot, number, partial(replace, etcd_hash=fact))
    return snapshot


def test_equal_hashes_are_no_finding() -> None:
    assert diagnose(hashed(*(EtcdHash(90, 10, 7),) * 3), INVENTORY, NOW) == ()


def test_the_member_that_differs_from_the_majority_is_named() -> None:
    (finding,) = diagnose(hashed(EtcdHash(90, 10, 7), EtcdHash(90, 10, 8), EtcdHash(90, 10, 7)), INVENTORY, NOW)
    assert (finding.code, finding.subject, finding.severity) == ("etcd.corrupt", "cp2", Severity.CRITICAL)
    assert "cp2: hash 8 at revision 90" in finding.evidence
    assert [call.action for call in finding.calls] == ["remove", "join"]


def test_two_members_that_differ_have_no_odd_one() -> None:
    (finding,) = diagnose(hashed(EtcdHash(90, 10, 7), EtcdHash(90, 10, 8), None), INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("etcd.corrupt", "etcd")
    assert finding.calls[0].last_resort


def test_hashes_of_other_revisions_or_compactions_are_not_compared() -> None:
    assert diagnose(hashed(EtcdHash(90, 10, 7), EtcdHash(90, 20, 8), EtcdHash(90, 10, 7)), INVENTORY, NOW) == ()
    assert diagnose(hashed(EtcdHash(90, 10, 7), EtcdHash(80, 10, 8), None), INVENTORY, NOW) == ()
