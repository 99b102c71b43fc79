"""Owners of a balancer's files, as a host's own shell reports them."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from tempfile import mkdtemp

import msgspec
import pytest

from haconsole.configs.haproxy import haproxy_cfg
from haconsole.configs.layout import layout
from haconsole.configs.owner import unsealed
from haconsole.execution.secrets import fill_in
from haconsole.inventory.schema import Haproxy, Inventory
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.probes.balancers import owners
from haconsole.probes.errors import ProbeError
from haconsole.probes.script import ARGV, SectionAnswer, answers, render
from tests.fakes.local_host import LocalHost
from tests.unit.configs import samples
from tests.unit.configs import test_golden as golden


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    lab = samples.lab()
    haproxy = msgspec.structs.replace(lab.haproxy or Haproxy(), config_file=str(tmp_path / "haproxy.cfg"))
    keepalived = msgspec.structs.replace(lab.keepalived, config_file=str(tmp_path / "keepalived.conf"))
    return msgspec.structs.replace(lab, haproxy=haproxy, keepalived=keepalived)


async def answer_and_files(inventory: Inventory, folder: Path) -> tuple[SectionAnswer, dict[str, ManagedFile]]:
    hosts = Path(mkdtemp(dir=folder))
    paths = owners.paths_of(layout(inventory))
    host = LocalHost("cp1", hosts, {"dpkg-query": "exit 1", "rpm": "exit 1"})
    result = await host.run(ARGV, stdin=render((owners.section(paths),)), root=True, deadline_s=20)
    (answer,) = answers(result.stdout)
    files = owners.parse(answer, inventory, inventory.hosts[0], paths)
    return answer, {file.path.rpartition("/")[2]: file for file in files}


async def test_each_file_has_its_owner(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "haproxy.cfg").write_text(haproxy_cfg(inventory))
    (tmp_path / "keepalived.conf").write_text("vrrp_instance VI_1 {\n}\n")
    _, files = await answer_and_files(inventory, tmp_path)
    assert files["haproxy.cfg"] == ManagedFile(str(tmp_path / "haproxy.cfg"), Owner.OURS, "lab")
    assert files["keepalived.conf"].owner is Owner.FOREIGN
    assert files["check-apiserver"].owner is Owner.ABSENT


async def test_a_file_of_0_1_is_judged_without_its_password(inventory: Inventory, tmp_path: Path) -> None:
    file = tmp_path / "keepalived.conf"
    text = unsealed(fill_in(golden.balancer_files(inventory)["keepalived.conf"], inventory))
    assert samples.PASSWORD in text
    file.write_text(text)
    answer, files = await answer_and_files(inventory, tmp_path)
    assert files["keepalived.conf"].owner is Owner.OURS
    content = b64decode(answer.output.splitlines()[2].split()[-1]).decode()
    assert "auth_pass X" in content
    assert samples.PASSWORD not in content
    file.write_text(text.replace("fall 2", "fall 3"))
    assert (await answer_and_files(inventory, tmp_path))[1]["keepalived.conf"].owner is Owner.CHANGED


async def test_the_mark_of_another_cluster_is_not_ours(inventory: Inventory, tmp_path: Path) -> None:
    other = msgspec.structs.replace(inventory, cluster="other")
    (tmp_path / "haproxy.cfg").write_text(haproxy_cfg(other))
    _, files = await answer_and_files(inventory, tmp_path)
    assert files["haproxy.cfg"] == ManagedFile(str(tmp_path / "haproxy.cfg"), Owner.FOREIGN, "other")


@pytest.mark.parametrize("output", ["ours lab", "what lab\nours lab"])
def test_an_answer_that_is_not_understood_is_unknown(output: str, inventory: Inventory) -> None:
    with pytest.raises(ProbeError):
        owners.parse(SectionAnswer("balancer_files", output, "", 0), inventory, inventory.hosts[0], ("/a", "/b"))
