"""A control plane joins a cluster whose CA keys only the operator has, and one leaves again."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.membership import QUIET, Members
from tests.hosts.rotation import certs, sound, with_passphrase

pytestmark = [pytest.mark.timeout(600), pytest.mark.nightly]
CA_KEYS = "ls /etc/etcd/pki/ca.key /etc/kubernetes/pki/ca.key /etc/kubernetes/pki/front-proxy-ca.key 2>/dev/null; true"


async def test_no_ca_key_is_on_any_host_after_a_join(make_lab: LabMaker, tmp_path: Path) -> None:
    lab = make_lab(hosts=2)
    members = Members(lab, tmp_path, etcd_only=False)
    members.say("pki: {ca_key: operator}")
    with_passphrase(members.of("cp1"), "bootstrap")
    both = members.of("cp1", "cp2")
    output = with_passphrase(both, "join", "cp2")
    await eventually(lambda: not findings(members, "cp1", "cp2"), within_s=60)
    sound(certs(both))
    assert [ca_keys(lab, host) for host in ("cp1", "cp2")] == ["", ""]
    assert "correct horse" not in output + both.journals()
    both.events("remove", "cp1")
    await eventually(lambda: not findings(members, "cp2"), within_s=60)


def ca_keys(lab: Lab, host: str) -> str:
    return lab.exec(host, "sh", "-c", CA_KEYS).stdout


def findings(members: Members, *hosts: str) -> list[str]:
    return [one["code"] for one in members.status(*hosts)["findings"] if one["code"] not in QUIET]
