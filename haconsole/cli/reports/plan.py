"""Plans and refusals as JSON and as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from haconsole.actions.describe import same_steps, step_line, undo_line
from haconsole.actions.operations import Irreversible, WriteFile
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.cli.reports.findings import Shape
from haconsole.cli.reports.page import table_lines
from haconsole.present.plan import plan_gist, plan_table


class StepReport(Shape, frozen=True):
    """One step. `command` is the command on `host`; `content` the file it writes, secrets named instead of shown.

    `needs` are the ids of steps that must be done before; `undo` is null if the plan has none.
    """

    id: str
    title: str
    why: str
    host: str
    command: str
    undo: str | None
    phase: str
    needs: tuple[str, ...]
    content: str | None


class PlanReport(Shape, frozen=True):
    """``haconsole/plan/v1``: the steps in an order that respects their needs; `loses` is what is lost permanently.

    `guardrails` are the rules of the inventory that stop a run now, with their reasons.
    """

    schema: str
    action: str
    cluster: str
    summary: str
    steps: tuple[StepReport, ...]
    loses: str
    guardrails: tuple[str, ...] = ()


class RefusalReport(Shape, frozen=True):
    """``haconsole/refusal/v1``: the reasons why there is no plan."""

    schema: str
    action: str
    cluster: str
    reasons: tuple[str, ...]


def plan_report(plan: Plan, guardrails: tuple[str, ...] = ()) -> PlanReport:
    steps = tuple(_step_report(step) for step in plan.steps)
    return PlanReport("haconsole/plan/v1", plan.action, plan.cluster, plan.summary, steps, plan.data_loss, guardrails)


def refusal_report(refusal: Refusal) -> RefusalReport:
    return RefusalReport("haconsole/refusal/v1", refusal.action, refusal.cluster, refusal.reasons)


def _step_report(step: Step) -> StepReport:
    return StepReport(
        id=step.id,
        title=step.title,
        why=step.why,
        host=step.host,
        command=step_line(step),
        undo=undo_line(step.undo),
        phase=step.phase,
        needs=step.needs,
        content=step.operation.content if isinstance(step.operation, WriteFile) else None,
    )


def plan_text(plan: Plan, guardrails: tuple[str, ...] = ()) -> str:
    """The table of the screen, then each step in full, a section for each phase; equal steps are combined."""
    return "\n".join(_plan_lines(plan, guardrails))


def for_good_text(plan: Plan) -> str:
    """The steps that cannot be undone, with reasons; each reason once. Empty if all can."""
    reasons: dict[str, list[str]] = {}
    for step in plan.steps:
        if isinstance(step.undo, Irreversible):
            reasons.setdefault(step.undo.reason, []).append(step.title)
    lines = (f"  - {', '.join(dict.fromkeys(titles))}: {why}" for why, titles in reasons.items())
    return "\n".join(("cannot be undone:", *lines)) if reasons else ""


def plan_heading(plan: Plan) -> str:
    """The plan in a line, e.g. ``bootstrap of lab: 96 steps on cp1, cp2, cp3``."""
    gist = plan_gist(plan)[0].text if plan.steps else plan_table(plan).empty.text
    return f"{plan.action} of {plan.cluster}: {gist}"


def refusal_text(refusal: Refusal) -> str:
    reasons = "\n".join(f"  - {reason}" for reason in refusal.reasons)
    return f"{refusal.action} of {refusal.cluster} is refused:\n{reasons}"


def _plan_lines(plan: Plan, guardrails: tuple[str, ...]) -> Iterator[str]:
    yield plan_heading(plan)
    yield from (f"✖ {guardrail}" for guardrail in guardrails)
    if plan.summary:
        yield plan.summary
    if plan.data_loss:
        yield f"PERMANENT LOSS: {plan.data_loss}"
    if plan.steps:
        yield ""
        yield from table_lines(plan_table(plan))[1:]
    places = {step.id: number for number, step in enumerate(plan.steps, 1)}
    phase = None
    for steps in same_steps(plan.steps):
        first = steps[0]
        if first.phase != phase:
            phase = first.phase
            yield from ("", phase or "steps")
        numbers = ", ".join(str(places[step.id]) for step in steps)
        yield f"{numbers:>4}. {', '.join(step.host for step in steps)}: {first.title}"
        yield f"      why:  {first.why}"
        yield from _description("does", steps, step_line)
        yield from _description("undo", steps, lambda step: undo_line(step.undo))


def _description(label: str, steps: tuple[Step, ...], tell: Callable[[Step], str | None]) -> Iterator[str]:
    """The description of the steps: once if it is the same on every host, otherwise for each."""
    texts: dict[str, list[str]] = {}
    for step in steps:
        text = tell(step)
        if text is not None:
            texts.setdefault(text, []).append(step.host)
    for text, hosts in texts.items():
        where = f"{', '.join(hosts)}: " if len(texts) > 1 else ""
        head, *rest = f"{where}{text}".splitlines()
        yield f"      {label}: {head}"
        yield from (f"            {line}" for line in rest)
