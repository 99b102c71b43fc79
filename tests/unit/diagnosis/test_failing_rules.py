"""Rules that fail cost only their own findings, and a finding reports them."""

from __future__ import annotations

from typing import Never

import pytest

from haconsole.diagnosis import known_texts, vip
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import Severity
from tests.fakes.cluster import INVENTORY, NOW, healthy
from tests.fakes.session import critical


def failing_rule(*_: object) -> Never:
    raise KeyError("cp9")


def test_a_section_that_fails_is_reported_and_the_others_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {finding.code for finding in diagnose(critical(), INVENTORY, NOW)}
    monkeypatch.setattr(vip, "rules", failing_rule)
    findings = {finding.code: finding for finding in diagnose(critical(), INVENTORY, NOW)}
    assert {code for code in before if not code.startswith("vip.")} <= set(findings)
    failed = findings["console.rules-failed"]
    assert (failed.severity, failed.subject) == (Severity.WARNING, "vip")
    assert failed.evidence[0].startswith("KeyError at diagnosis/diagnose.py:")
    assert "cp9" not in str(failed)


def test_a_failure_while_causes_are_sorted_keeps_every_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {finding.code for finding in diagnose(critical(), INVENTORY, NOW)}
    monkeypatch.setattr(known_texts, "with_known_causes", failing_rule)
    after = {finding.code for finding in diagnose(critical(), INVENTORY, NOW)}
    assert before | {"console.rules-failed"} == after


def test_a_healthy_cluster_has_no_failing_rules() -> None:
    assert diagnose(healthy(), INVENTORY, NOW) == ()
