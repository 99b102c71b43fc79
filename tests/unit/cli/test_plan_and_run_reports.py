"""Plans, refusals and events in JSON follow their schemas; their texts show the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jsonschema
import msgspec
import pytest

from haconsole.actions.operations import Irreversible, RunCommand, WriteFile
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.cli.reports.plan import (
    PlanReport,
    RefusalReport,
    plan_heading,
    plan_report,
    plan_text,
    refusal_report,
    refusal_text,
)
from haconsole.cli.reports.run import EventReport, event_report, run_text
from haconsole.execution.events import Event, Outcome, RunDone, RunId, RunStarted, StepDone, StepOutput, StepStarted
from haconsole.model.names import HostName, StepId

CP1 = HostName("cp1")
PLAN = Plan(
    "bootstrap",
    "lab",
    (
        Step(
            StepId("etcd.env@cp1"),
            "Write etcd's settings",
            "etcd reads them at its start.",
            CP1,
            WriteFile("/etc/etcd.env", "auth @secret:vrrp-auth/10.0.0.1@\n"),
            phase="etcd",
        ),
        Step(
            StepId("etcd.start@cp1"),
            "Start etcd",
            "It serves from now on.",
            CP1,
            RunCommand(("systemctl", "start", "etcd")),
            undo=Irreversible("it ran"),
            needs=(StepId("etcd.env@cp1"),),
            phase="etcd",
        ),
    ),
    "three members",
)
RUN, AT = RunId("r1"), datetime(2026, 1, 1, 3, tzinfo=UTC)
EVENTS: dict[str, Event] = {
    "run-started": RunStarted(RUN, AT, "bootstrap", "lab", 2),
    "step-started": StepStarted(RUN, AT, StepId("s"), CP1, "Start"),
    "step-output": StepOutput(RUN, AT, StepId("s"), "said"),
    "step-done": StepDone(RUN, AT, StepId("s"), CP1, Outcome.FAILED, 1.23456, "cp1: no"),
    "run-done": RunDone(RUN, AT, Outcome.FAILED, 2.5, 1, 0, 1, "fix it"),
}


def as_json(report: msgspec.Struct, kind: Any) -> Any:
    document = msgspec.json.decode(msgspec.json.encode(report))
    jsonschema.validate(document, msgspec.json.schema(kind))
    return document


def test_a_plan_in_json() -> None:
    document = as_json(plan_report(PLAN), PlanReport)
    assert document["schema"] == "haconsole/plan/v1"
    assert document["steps"][0] == {
        "id": "etcd.env@cp1",
        "title": "Write etcd's settings",
        "why": "etcd reads them at its start.",
        "host": "cp1",
        "command": "write /etc/etcd.env (33 bytes, mode 0644, root:root)",
        "undo": None,
        "phase": "etcd",
        "needs": [],
        "content": "auth @secret:vrrp-auth/10.0.0.1@\n",
    }
    assert document["steps"][1]["undo"] == "cannot be undone: it ran"
    assert document["steps"][1]["needs"] == ["etcd.env@cp1"]


def test_a_plan_as_text() -> None:
    assert plan_text(PLAN).splitlines() == [
        "bootstrap of lab: 2 steps on cp1, 1 cannot be undone",
        "three members",
        "",
        "  #  HOST  STEP                   UNDO    PHASE",
        "  1  cp1   Write etcd's settings  –       etcd",
        "  2  cp1   Start etcd             ✖ none  etcd",
        "",
        "etcd",
        "   1. cp1: Write etcd's settings",
        "      why:  etcd reads them at its start.",
        "      does: write /etc/etcd.env (33 bytes, mode 0644, root:root)",
        "   2. cp1: Start etcd",
        "      why:  It serves from now on.",
        "      does: systemctl start etcd",
        "      undo: cannot be undone: it ran",
    ]
    assert plan_heading(Plan("bootstrap", "lab", PLAN.steps[:1])) == "bootstrap of lab: 1 step on cp1"


def test_a_refusal() -> None:
    refusal = Refusal("bootstrap", "lab", ("cp1: data is there", "cp2: data is there"))
    document = as_json(refusal_report(refusal), RefusalReport)
    assert document["schema"] == "haconsole/refusal/v1"
    assert document["reasons"] == ["cp1: data is there", "cp2: data is there"]
    assert refusal_text(refusal) == "bootstrap of lab is refused:\n  - cp1: data is there\n  - cp2: data is there"


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_in_json(kind: str) -> None:
    document = as_json(event_report(EVENTS[kind]), EventReport)
    assert document["event"] == kind
    assert (document["schema"], document["run"]) == ("haconsole/run/v1", "r1")
    assert document["at"] == "2026-01-01T03:00:00.000Z"
    assert ("step" in document) is kind.startswith("step-")


def test_how_a_step_ended_in_json() -> None:
    document = as_json(event_report(EVENTS["step-done"]), EventReport)
    assert (document["outcome"], document["seconds"], document["error"]) == ("failed", 1.235, "cp1: no")


@pytest.mark.parametrize(
    ("run_done", "text"),
    [
        (
            RunDone(RUN, AT, Outcome.FAILED, 2.5, 1, 0, 1, "fix it"),
            "bootstrap of lab: ✖ failed after 2 s: 1 changed, 0 already right, 1 failed (run r1)\nnext: fix it",
        ),
        (
            RunDone(RUN, AT, Outcome.ALREADY, 2.5, 0, 9, 0),
            "bootstrap of lab: ● already after 2 s: 0 changed, 9 already right, 0 failed (run r1)",
        ),
    ],
)
def test_the_end_as_text(run_done: RunDone, text: str) -> None:
    assert run_text("bootstrap", "lab", run_done) == text
