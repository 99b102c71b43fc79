"""A plan to read before it runs: its steps as a table, each step in full."""

from __future__ import annotations

from collections import Counter

from haconsole.actions.describe import check_line, operation_line, script_of, short_line
from haconsole.actions.forecast import HIDDEN, Forecast, Forecasts
from haconsole.actions.guardrails import GuardrailStop
from haconsole.actions.operations import Irreversible, LeftByUndo, Nothing, Operation, RunCommand, WriteFile
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.model.names import StepId
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Detail, Fact, Heading, Item, Sentence, Verbatim
from haconsole.present.explain import in_plain_words, way_back
from haconsole.present.guardrails import stops_gist
from haconsole.present.row_keys import StepKey
from haconsole.present.table import Column, Row, TableView

COLUMNS = (
    Column("#", right=True),
    Column("HOST", least=5),
    Column("STEP", least=20),
    Column("UNDO", rank=2),
    Column("PHASE", rank=3, least=8),
)


FORECASTS = {
    Forecast.CHANGES: Cell("▲ changes", Tone.ACCENT),
    Forecast.DEPENDS: Cell("▲ depends", Tone.ACCENT),
    Forecast.RIGHT: Cell("● right", Tone.MUTED),
    Forecast.CHECKS: Cell("· checks", Tone.MUTED),
    Forecast.UNKNOWN: Cell("? unknown", Tone.UNKNOWN),
}


def plan_table(
    plan: Plan,
    stops: tuple[GuardrailStop, ...] = (),
    forecasts: Forecasts | None = None,
    *,
    everything: bool = True,
) -> TableView:
    """The steps in the order of the plan; `stops` are the guardrails that stop its run now.

    With `forecasts` each step shows if it will change something; those that will not are hidden unless `everything`.
    """
    numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
    steps = plan.steps if forecasts is None or everything else changing_steps(plan, forecasts)
    rows = tuple(_plan_row(step, numbers[step.id], forecasts) for step in steps)
    columns = COLUMNS if forecasts is None else (*COLUMNS[:1], Column("NOW", least=8), *COLUMNS[1:])
    empty = Cell("nothing to do" if not plan.steps else "no change: every step is already in effect", Tone.GOOD)
    gist = plan_gist(plan) if forecasts is None else (*forecast_gist(plan, forecasts), *plan_gist(plan)[1:])
    if stops:
        brief = stops_gist(stops)
        gist = (Cell(f"{brief[0].text}; {gist[0].text}", Tone.WARNING), *brief)
    return TableView(f"plan: {plan.action}", columns, rows, None, gist, empty, ageless=True)


def changing_steps(plan: Plan, forecasts: Forecasts) -> tuple[Step, ...]:
    """The steps that will change something, or may."""
    return tuple(step for step in plan.steps if forecasts.get(step.id) not in HIDDEN)


def forecast_gist(plan: Plan, forecasts: Forecasts) -> tuple[Cell, ...]:
    """The numbers of steps by forecast, the longest version first."""
    count = Counter(forecasts.get(step.id, Forecast.UNKNOWN) for step in plan.steps)
    parts = [f"{count[Forecast.CHANGES]} will change something"]
    parts += [f"{count[Forecast.DEPENDS]} depend on them"] if count[Forecast.DEPENDS] else []
    parts += [f"{count[Forecast.UNKNOWN]} unknown"] if count[Forecast.UNKNOWN] else []
    rest = [f"{count[Forecast.RIGHT]} already right", f"{count[Forecast.CHECKS]} only check"]
    tone = Tone.WARNING if irreversible(plan) else Tone.PLAIN
    return Cell(", ".join((*parts, *rest)), tone), Cell(", ".join(parts), tone)


def _plan_row(step: Step, number: int, forecasts: Forecasts | None) -> Row:
    now = () if forecasts is None else (FORECASTS[forecasts.get(step.id, Forecast.UNKNOWN)],)
    cells = (Cell(step.host), Cell(step.title), undo_cell(step), Cell(step.phase, Tone.MUTED))
    return Row(StepKey(step.id), (Cell(str(number), Tone.MUTED), *now, *cells))


def plan_gist(plan: Plan) -> tuple[Cell, ...]:
    """The summary of the plan, the longest version first."""
    hosts = tuple(dict.fromkeys(step.host for step in plan.steps))
    count = len(irreversible(plan))
    tail = f", {count} cannot be undone" if count else ""
    tone = Tone.WARNING if count else Tone.PLAIN
    steps = f"{len(plan.steps)} step{'s' if len(plan.steps) != 1 else ''}"
    return (Cell(f"{steps} on {', '.join(hosts)}{tail}", tone), Cell(f"{steps}{tail}", tone), Cell(steps, tone))


def irreversible(plan: Plan) -> tuple[Step, ...]:
    """The steps that cannot be undone."""
    return tuple(step for step in plan.steps if isinstance(step.undo, Irreversible))


def undo_sentence(plan: Plan) -> str:
    """The effect of undo on a plan without irreversible steps."""
    if any(isinstance(step.undo, LeftByUndo) for step in plan.steps):
        return "Every step is checked before and after. Undo skips steps marked `stays`; each gives its reason."
    return "Every step is checked before and after, and can be undone."


def undo_cell(step: Step) -> Cell:
    if step.undo is None:
        return Cell("–", Tone.MUTED)
    if isinstance(step.undo, LeftByUndo):
        return Cell("stays", Tone.MUTED)
    return Cell("✖ none", Tone.WARNING) if isinstance(step.undo, Irreversible) else Cell("yes", Tone.MUTED)


def step_of(plan: Plan, step: StepId) -> Step | None:
    return next((each for each in plan.steps if each.id == step), None)


def step_items(plan: Plan, step: Step, *, teaching: bool = False) -> tuple[Item, ...]:
    """The reason of a step, or its explanation; then its operation, verification and undo."""
    return (
        *((*in_plain_words(step), Heading("Where")) if teaching else (Sentence(Cell(step.why)),)),
        Fact("host", Cell(step.host)),
        *((Fact("phase", Cell(step.phase)),) if step.phase else ()),
        *(_look(step) if isinstance(step.operation, Nothing) else _change(step)),
        *_checks("Waits for", tuple(step_title(plan, each) for each in step.needs)),
        *_content(step),
    )


def _look(step: Step) -> tuple[Item, ...]:
    """A step that changes nothing: its checks, each once."""
    checks = dict.fromkeys((*step.precondition, *step.verification))
    return (
        Heading("Change"),
        Sentence(Cell("none: this step only checks the host, so there is nothing to undo", Tone.ACCENT)),
        *_checks("Preconditions", tuple(check_line(check) for check in checks)),
    )


def _change(step: Step) -> tuple[Item, ...]:
    return (
        Heading("Change"),
        Sentence(Cell(_operation_text(step.operation), Tone.ACCENT)),
        *_checks("Preconditions", tuple(check_line(check) for check in step.precondition)),
        *_checks("Verified by", tuple(check_line(check) for check in step.verification)),
        Heading("Undo"),
        Sentence(Cell(way_back(step) or "the plan has no undo for this step", Tone.MUTED)),
    )


def _operation_text(operation: Operation) -> str:
    """In a line or two; the text of a script follows below."""
    return short_line(operation.argv) if isinstance(operation, RunCommand) else operation_line(operation)


def about_step(plan: Plan, subject: StepKey, *, teaching: bool = False) -> Detail | None:
    """A step of a plan; `teaching` explains it first."""
    step = step_of(plan, subject.id)
    if step is None:
        return None
    return Detail(f"{step.host}: {step.title}", step_items(plan, step, teaching=teaching))


def about_refusal(refusal: Refusal) -> Detail:
    """The reasons why there is no plan, and the way out."""
    return Detail(
        f"{refusal.action} is refused",
        (
            Sentence(Cell(f"{refusal.action} of {refusal.cluster} cannot run in the current state:", Tone.CRITICAL)),
            *(Sentence(Cell(reason), "·") for reason in refusal.reasons),
        ),
    )


def _checks(heading: str, lines: tuple[str, ...]) -> tuple[Item, ...]:
    return (Heading(heading), *(Sentence(Cell(line), "·") for line in lines)) if lines else ()


def step_title(plan: Plan, step: StepId) -> str:
    """``cp1: Start etcd``; the ID of a step that the plan does not have."""
    step_found = step_of(plan, step)
    return f"{step_found.host}: {step_found.title}" if step_found else step


def _content(step: Step) -> tuple[Item, ...]:
    """The text of the file that is written, or of the script that is run."""
    file = step.operation.content if isinstance(step.operation, WriteFile) else None
    text = script_of(step.operation) if file is None else file
    if text is None:
        return ()
    lines = (Verbatim(Cell(line.expandtabs(), Tone.MUTED), "│") for line in text.splitlines())
    return (Heading("Script" if file is None else "File"), *lines)
