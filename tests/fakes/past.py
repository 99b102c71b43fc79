"""Events of a host's journal from before the console was opened."""

from __future__ import annotations

from datetime import timedelta

from haconsole.model.names import HostName
from haconsole.model.past import HostPast, PastEvent, PastKind
from tests.fakes.cluster import NOW

CP2 = HostName("cp2")
PAST = (
    HostPast(
        CP2,
        (
            PastEvent(NOW - timedelta(seconds=90), CP2, PastKind.LEADER, "etcd", "became leader in term 3", "a2"),
            PastEvent(
                NOW - timedelta(seconds=40), CP2, PastKind.ENDED, "etcd", "was killed by signal 9/KILL", "signal 9"
            ),
        ),
    ),
)
