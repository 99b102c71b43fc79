"""The etcd servers an apiserver was started with."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import cast

import pytest

from haconsole.configs.layout import layout
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes import apiserver
from haconsole.probes.kubernetes.apiserver import etcd_servers, section
from haconsole.probes.kubernetes.server_log import ServerLog
from haconsole.probes.script import SectionAnswer, with_arguments
from haconsole.scripts import load_script
from haconsole.transport.kube_api import KubeApi, KubeError
from haconsole.transport.kube_errors import KubeErrorKind
from haconsole.transport.kube_objects import Readiness
from tests.fakes.cluster import INVENTORY, NOW
from tests.fakes.transport import FakeFleet, FakeHost


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


AUTH = (
    'E1130 1 status.go:71] apiserver received an error that is not an metav1.Status: "etcdserver: user name is empty"'
)
CLIENT = "E1130 1 authentication.go:53] Unable to authenticate the request due to an error: x509: unknown authority"


def log_of(text: str) -> tuple[ServerLog, FakeHost]:
    fleet, host = FakeFleet(), INVENTORY.hosts[0]
    target = fleet.host(HostName(host.name))
    target.when("sh", "-s", say=text)
    context = ClusterContext(INVENTORY, layout(INVENTORY), fleet, lambda: NOW, b"", ProbeTimings())
    return ServerLog(context, host), target


@pytest.mark.parametrize(
    "text", [json.dumps({"MESSAGE": AUTH}) + "\n" + json.dumps({"MESSAGE": CLIENT}), f"I1130 fine\n{AUTH}\n{CLIENT}\n"]
)
async def test_the_log_of_a_unit_or_a_pod_is_read_once_without_errors_of_clients(text: str) -> None:
    log, target = log_of(text)
    assert await log.lines() == (AUTH,)
    assert await log.lines() == (AUTH,)
    assert len(target.calls) == 1


async def test_a_log_that_cannot_be_read_is_no_error() -> None:
    log, target = log_of("")
    target.cut()
    assert await log.lines() == ()


def test_the_log_file_of_a_static_pod_is_printed_as_the_component_wrote_it(tmp_path: Path) -> None:
    folder = tmp_path / "kube-system_kube-apiserver-cp1_1/kube-apiserver"
    folder.mkdir(parents=True)
    (folder / "3.log").write_text(f"2026-11-30T10:00:00.1+00:00 stderr F {AUTH}\n")
    (tmp_path / "journalctl").write_text("#!/bin/sh\n")
    (tmp_path / "journalctl").chmod(0o755)
    script = with_arguments(load_script("server-log").replace("/var/log/pods", str(tmp_path)), "kube-apiserver")
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert subprocess.run(["sh", "-c", script], env=path, capture_output=True, text=True).stdout == f"{AUTH}\n"


def test_of_a_long_log_the_last_lines_are_printed(tmp_path: Path) -> None:
    """As journalctl of systemd 252: with --since its -n counts from the first line."""
    (tmp_path / "journalctl").write_text(
        '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" != -n ] || most=$2; shift; done\nseq 1000 | head -n ${most:-1000}\n'
    )
    (tmp_path / "journalctl").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = with_arguments(load_script("server-log"), "kube-apiserver")
    lines = subprocess.run(["sh", "-c", script], env=path, capture_output=True, text=True).stdout.split()
    assert (len(lines), lines[-1]) == (200, "1000")
