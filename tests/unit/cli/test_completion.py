"""Shell completion: what is offered at each place of a command line, and the scripts for the shells."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from haconsole.cli.main import root

INVENTORY = """\
cluster: lab
hosts:
  - {name: cp1, address: 10.0.0.1, roles: [etcd, control-plane]}
  - {name: cp2, address: 10.0.0.2, roles: [etcd, control-plane]}
  - {name: worker1, address: 10.0.0.9, roles: [worker]}
kubernetes: {endpoint: "10.0.0.1:6443"}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "prod.yaml").write_text(INVENTORY)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters" / "lab.yml").write_text(INVENTORY)
    return tmp_path


def offered(*words: str) -> list[str]:
    """The completions of the last word."""
    *before, incomplete = words
    result = ShellComplete(root, {}, "haconsole", "_X").get_completions(list(before), incomplete)
    return [str(item.value) for item in result]


def test_the_first_word_is_a_verb_or_an_inventory() -> None:
    assert {"status", "run", "completion", "prod.yaml", "clusters/"} <= set(offered(""))
    assert offered("pro") == ["prod.yaml"]
    assert offered("stat") == ["status"]
    assert offered("op") == []


def test_inventories_are_completed_through_folders() -> None:
    assert offered("status", "") == ["clusters/", "prod.yaml"]
    assert offered("status", "clusters/") == ["clusters/lab.yml"]
    assert offered("status", "no-such-folder/") == []


def test_actions_then_the_inventory_then_its_hosts() -> None:
    assert {"bootstrap", "rotate-certs"} <= set(offered("run", ""))
    assert offered("run", "rotate") == ["rotate-certs"]
    assert offered("run", "drain", "p") == ["prod.yaml"]
    assert offered("run", "drain", "prod.yaml", "cp") == ["cp1", "cp2"]


def test_hosts_behind_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "haconsole run rotate-certs prod.yaml --host w")
    assert offered("run", "rotate-certs", "prod.yaml", "--host", "w") == ["worker1"]


def test_an_inventory_that_cannot_be_read_offers_no_host(folder: Path) -> None:
    (folder / "prod.yaml").write_text("cluster: [")
    assert offered("run", "drain", "prod.yaml", "") == []


def test_recorded_runs(folder: Path) -> None:
    runs = folder / "state" / "haconsole" / "runs"
    runs.mkdir(parents=True)
    for name in ("20260101-join", "20260201-join"):
        (runs / f"{name}.jsonl").write_text("")
    assert offered("resume", "2026") == ["20260201-join", "20260101-join"]
    assert offered("runs", "202602") == ["20260201-join"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    script = CliRunner().invoke(root, ["completion", shell]).output
    assert "_HACONSOLE_COMPLETE" in script
    assert "haconsole" in script
