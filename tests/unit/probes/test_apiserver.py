"""The etcd servers an apiserver was started with."""

from __future__ import annotations

import subprocess

import pytest

from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes.apiserver import etcd_servers, section
from haconsole.probes.script import SectionAnswer


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
