"""The lock of this very console: recognised by its process, and not reported as somebody else's."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.execution.locking.cluster_lock import LockedError
from haconsole.execution.process import this_process
from haconsole.model.lock import HostLock, LockClaim
from haconsole.model.lock_view import LockView
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.present.bar import locked_by
from tests.fakes.cluster import NOW, healthy

OTHER = LockClaim("ab" * 16, "ops@desk", 7, "r1", "failover", "boot:ns:7:1")
OWN = replace(OTHER, process=this_process())


def refusal(claim: LockClaim) -> str:
    return str(LockedError("lab", LockView(claim, (HostName("cp1"),), 12, 1), can_take_over=False))


def test_a_refusal_names_this_console_and_its_run() -> None:
    assert refusal(OWN).startswith("lab is locked: this console has been running failover for 12 s (run r1) (on cp1)")
    assert "press R to show the run" in refusal(OWN)
    assert "ops@desk (process 7) has been running failover" in refusal(OTHER)


def test_the_first_line_shows_only_the_lock_of_another_process() -> None:
    def bar(claim: LockClaim) -> str:
        hosts = tuple(replace(facts, lock=Known(HostLock(claim, 12, 1), NOW)) for facts in healthy().hosts)
        return locked_by(replace(healthy(), hosts=hosts), "", this_process())

    assert bar(OTHER) == "ops@desk: failover"
    assert bar(OWN) == ""


def test_a_claim_without_a_process_is_never_ones_own() -> None:
    assert not LockView(replace(OTHER, process=""), (HostName("cp1"),), 12, 1).held_by("")
