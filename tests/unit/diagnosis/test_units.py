"""Units that are masked, crash, or would not start at boot; a failed unit is shown with its program's own reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.findings import ActionCall, Finding, Severity
from haconsole.model.observed import Known
from haconsole.model.services import keep_lines
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes import cluster
from tests.fakes.cluster import INVENTORY, NOW, changed, etcd_silent, healthy
from tests.unit.diagnosis.test_remedies import learner


def with_unit(name: str, snapshot: ClusterSnapshot | None = None, **fields: Any) -> ClusterSnapshot:
    units = tuple(replace(unit, **fields) if unit.name == name else unit for unit in cluster.units())
    return changed(snapshot or healthy(), 2, lambda facts: replace(facts, services=Known(units, NOW)))


def only(snapshot: ClusterSnapshot) -> Finding:
    (finding,) = diagnose(snapshot, INVENTORY, NOW)
    return finding


def test_a_masked_unit_is_the_cause_and_is_unmasked() -> None:
    masked: dict[str, Any] = {"active": "inactive", "sub": "dead", "masked": True, "pid": None}
    for name in cluster.UNITS:
        snapshot = changed(healthy(), 2, etcd_silent) if name == "etcd" else healthy()
        finding = only(with_unit(name, snapshot, **masked))
        assert (finding.code, finding.subject) == ("service.masked", f"{name}@cp2")
        remedy = finding.remedies[0]
        assert isinstance(remedy, ActionCall)
        assert (remedy.action, remedy.request) == ("unmask", {"service": name, "host": "cp2"})


def test_a_failed_member_is_shown_with_its_own_reason() -> None:
    reason = "panic: open /var/lib/etcd/member/wal/0.tmp: read-only file system"
    failed: dict[str, Any] = {"active": "failed", "sub": "failed", "pid": None, "ending": "exit 2", "lines": (reason,)}
    finding = only(with_unit("etcd", changed(healthy(), 2, etcd_silent), **failed))
    assert finding.code == "etcd.member-down"
    assert f"etcd logs: {reason}" in finding.evidence


def test_a_crash_loop_is_found_while_the_process_happens_to_run() -> None:
    loop: dict[str, Any] = {"restarts": 12, "started": NOW - timedelta(seconds=4), "lines": ("F1129 no such flag",)}
    finding = only(with_unit("kube-scheduler", **loop))
    assert (finding.code, finding.subject) == ("service.crash-loop", "kube-scheduler@cp2")
    assert "kube-scheduler logs: F1129 no such flag" in finding.evidence
    calm: dict[str, Any] = {**loop, "started": NOW - timedelta(minutes=5)}
    assert diagnose(with_unit("kube-scheduler", **calm), INVENTORY, NOW) == ()


def test_a_crash_loop_that_is_down_is_one_finding() -> None:
    waiting: dict[str, Any] = {"active": "activating", "sub": "auto-restart", "restarts": 12, "pid": None}
    assert only(with_unit("kube-scheduler", **waiting)).code == "component.down"
    assert only(with_unit("haproxy", **waiting)).code == "haproxy.down"


def test_a_unit_that_is_not_enabled_is_worth_knowing() -> None:
    finding = only(with_unit("keepalived", enabled=False))
    assert (finding.code, finding.severity) == ("service.disabled", Severity.INFO)


def test_lines_read_earlier_are_kept_while_the_unit_fails() -> None:
    (etcd, *_) = cluster.units(etcd="failed")
    failed = replace(etcd, pid=None)
    known = replace(failed, lines=("reason",))
    assert keep_lines((known,), (failed,)) == (known,)
    assert keep_lines((known,), (cluster.units()[0],)) == (cluster.units()[0],)
    assert keep_lines((known,), (replace(failed, lines=("newer",)),)) == (replace(failed, lines=("newer",)),)


def test_a_learner_that_is_not_promoted_is_stuck() -> None:
    def stuck(**state: Any) -> list[Finding]:
        return [one for one in diagnose(learner(**state), INVENTORY, NOW) if one.code == "etcd.learner-stuck"]

    assert stuck(age_s=120.0) == []
    (finding,) = stuck(age_s=3600.0)
    assert "although it has caught up" in finding.summary
    assert isinstance(finding.remedies[0], ActionCall)
    assert finding.remedies[0].request == {"host": "cp3"}
    (behind,) = stuck(age_s=3600.0, index=3)
    assert "does not catch up" in behind.summary
    assert not behind.calls
