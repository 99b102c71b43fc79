"""An etcd whose hosts are not in the inventory is seen through a control plane, with the API server's pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.program import Program

pytestmark = [pytest.mark.timeout(300), pytest.mark.nightly]
PAIR = {
    "ca.crt": "etcd/ca.crt",
    "client.crt": "apiserver-etcd-client.crt",
    "client.key": "apiserver-etcd-client.key",
}
"""The files of the console's own client pair on the member's host, in place of those that its owner would issue."""


@pytest.fixture
def inventories(make_lab: LabMaker, tmp_path: Path) -> tuple[Lab, Path, Path]:
    """A lab of two hosts; the inventory of its etcd on cp2, and one of a control plane on cp1 that uses it."""
    lab = make_lab(hosts=2, kubernetes=False)
    first, second = lab.spec.hosts
    text: dict[str, Any] = yaml.safe_load(lab.inventory_path.read_text())
    base = {"cluster": "owner", "ssh": text["ssh"]}
    etcd = tmp_path / "etcd.yaml"
    etcd.write_text(yaml.safe_dump({**base, "hosts": [{"name": "cp2", "address": second.address, "roles": ["etcd"]}]}))
    files = {"ca_cert": "ca.crt", "client_cert": "client.crt", "client_key": "client.key"}
    planes = tmp_path / "planes.yaml"
    planes.write_text(
        yaml.safe_dump(
            {
                **base,
                "cluster": "user",
                "hosts": [{"name": "cp1", "address": first.address, "roles": ["control-plane"]}],
                "etcd": {"external": {"endpoints": [f"https://{second.address}:2379"], **files}},
                "kubernetes": {"deployment": "kubeadm", "version": "1.20.2", "service_cidr": "10.112.0.0/16"},
            }
        )
    )
    return lab, etcd, planes


async def test_members_are_seen_from_a_control_plane(inventories: tuple[Lab, Path, Path], tmp_path: Path) -> None:
    lab, etcd, planes = inventories
    Program(lab, tmp_path / "state", etcd).events("bootstrap")
    content = lab.host("cp1").root / "etc/kubernetes/pki"
    (content / "etcd").mkdir(parents=True)
    for source, target in PAIR.items():
        (content / target).write_bytes((lab.host("cp2").root / "etc/etcd/pki" / source).read_bytes())
    user = Program(lab, tmp_path / "state", planes)
    (member,) = status(user)["etcd"]["members"]
    assert (member["name"], member["host"], member["healthy"], member["leader"]) == ("cp2", None, True, True)
    assert "etcd" not in {one["code"].partition(".")[0] for one in status(user)["findings"]}
    refused = user("plan", "backup")
    assert refused.returncode == 4
    lab.exec("cp2", "systemctl", "stop", "etcd")
    await eventually(lambda: "etcd.external-endpoint" in codes(user), within_s=30)


def status(program: Program) -> dict[str, Any]:
    result = program.verb("status", str(program.inventory), "--json", deadline_s=60)
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def codes(program: Program) -> set[str]:
    return {one["code"] for one in status(program)["findings"]}
