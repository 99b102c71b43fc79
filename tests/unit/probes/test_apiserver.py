"""The etcd servers an apiserver was started with."""

from __future__ import annotations

import asyncio
import subprocess
from typing import cast

import pytest

from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes import apiserver
from haconsole.probes.kubernetes.apiserver import etcd_servers, section
from haconsole.probes.script import SectionAnswer
from haconsole.transport.kube_api import KubeApi, KubeError
from haconsole.transport.kube_errors import KubeErrorKind
from haconsole.transport.kube_objects import Readiness


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ("--etcd-servers=http://a:2379,http://b:2379", ("http://a:2379", "http://b:2379")),
        ("--etcd-servers\nhttp://a:2379\n--port=0", ("http://a:2379",)),
        ("--etcd-servers", ()),
        ("--etcd-servers-overrides=/events#http://c:2379", ()),
        ("--etcd-servers=", ()),
    ],
)
def test_every_way_to_write_the_flag(arguments: str, values: tuple[str, ...]) -> None:
    assert etcd_servers(SectionAnswer("apiserver", f"kube-apiserver\n{arguments}", "", 0)) == values


def test_a_question_that_failed_is_no_answer() -> None:
    with pytest.raises(ProbeError) as excinfo:
        etcd_servers(SectionAnswer("apiserver", "", "sh: pidof: not found", 127))
    assert excinfo.value.cause is Cause.NOT_INSTALLED


def test_the_question_ends_well_where_no_apiserver_runs() -> None:
    body = section().body.replace("kube-apiserver", "no-such-program")
    result = subprocess.run(["sh", "-c", body], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


class Reports:
    """An API server that reports these, one after the other; each takes so many seconds."""

    def __init__(self, *reports: Readiness | KubeError, takes_s: float = 0.0) -> None:
        self.reports, self.takes_s, self.count = reports, takes_s, 0

    async def readiness(self, *, deadline_s: float) -> Readiness:
        self.count += 1
        await asyncio.sleep(self.takes_s)
        report = self.reports[self.count - 1]
        if isinstance(report, KubeError):
            raise report
        return report


READY, FAILING = Readiness(ready=True, failing=()), Readiness(ready=False, failing=("etcd",))
NO_ANSWER = KubeError(HostName("cp1"), KubeErrorKind.REFUSED, "readyz", "refused")


@pytest.mark.parametrize(
    ("api", "queries", "ready"),
    [
        (Reports(READY), 1, True),
        (Reports(FAILING, READY), 2, True),
        (Reports(FAILING, FAILING), 2, False),
        (Reports(FAILING, NO_ANSWER), 2, False),
        (Reports(FAILING, takes_s=0.3), 1, False),
    ],
)
async def test_a_check_that_failed_at_once_is_queried_again(
    api: Reports, queries: int, ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apiserver, "QUICK_S", 0.2)
    monkeypatch.setattr(apiserver, "AGAIN_S", 0.01)
    facts = await apiserver.probe_apiserver(cast(KubeApi, api), version="v1.20.2")
    assert (api.count, facts.ready) == (queries, ready)
