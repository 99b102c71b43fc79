"""Guardrails on the command line: a run that one stops exits with 4 before any question, a plan names it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from haconsole.cli.main import run as haconsole
from haconsole.errors import ExitCode
from haconsole.inventory.guardrail import Guardrail, GuardrailKind
from tests.fakes.cluster import INVENTORY
from tests.fakes.plans import PLAN
from tests.fakes.session import FakeSession

NEVER = Guardrail(rule=GuardrailKind.REFUSE, reason="Rebuilt by the pipeline.", actions=("bootstrap",))
TYPED = Guardrail(rule=GuardrailKind.TYPED_NAME, reason="Call the on-call first.", actions=("bootstrap",))


class OpenedSession(FakeSession):
    async def __aenter__(self) -> OpenedSession:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


@pytest.fixture
def guardrails(monkeypatch: pytest.MonkeyPatch) -> list[Guardrail]:
    rules: list[Guardrail] = []

    def opened(*arguments: object) -> OpenedSession:
        inventory = msgspec.structs.replace(INVENTORY, guardrails=tuple(rules))
        return OpenedSession(inventory=inventory, plans={"bootstrap": PLAN})

    monkeypatch.setattr("haconsole.session.opening.open_session", opened)
    return rules


def test_a_stopped_run_is_refused(
    guardrails: list[Guardrail], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guardrails.append(NEVER)
    assert haconsole(["run", "bootstrap", str(tmp_path / "lab.yaml"), "--yes"]) == ExitCode.REFUSED
    stderr = capsys.readouterr().err
    assert "guardrail: bootstrap: refused: Rebuilt by the pipeline." in stderr
    assert "--override REASON" in stderr
    assert haconsole(["run", "bootstrap", str(tmp_path / "lab.yaml"), "--yes", "--json"]) == ExitCode.REFUSED
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "haconsole/refusal/v1"


def test_a_plan_names_the_guardrail(
    guardrails: list[Guardrail], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guardrails.append(NEVER)
    assert haconsole(["plan", "bootstrap", str(tmp_path / "lab.yaml")]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[1] == "✖ guardrail: bootstrap: refused: Rebuilt by the pipeline."
    assert haconsole(["plan", "bootstrap", str(tmp_path / "lab.yaml"), "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["guardrails"] == [
        "guardrail: bootstrap: refused: Rebuilt by the pipeline."
    ]


def test_yes_is_not_enough_where_the_name_is_typed(
    guardrails: list[Guardrail], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guardrails.append(TYPED)
    assert haconsole(["run", "bootstrap", str(tmp_path / "lab.yaml"), "--yes"]) == ExitCode.USAGE
    assert "--confirm lab" in capsys.readouterr().err
