"""Guardrails that stop a run, as text and as rows."""

from __future__ import annotations

from haconsole.actions.guardrails import GuardrailStop
from haconsole.present.cells import Cell, Tone
from haconsole.present.detail import Item, Sentence


def stop_items(stops: tuple[GuardrailStop, ...]) -> tuple[Item, ...]:
    """Each guardrail with its reason."""
    return tuple(Sentence(Cell(f"guardrail: {stop}", Tone.WARNING), "✖") for stop in stops)


def stops_gist(stops: tuple[GuardrailStop, ...]) -> tuple[Cell, ...]:
    """The guardrails in a line, the longest version first."""
    if not stops:
        return ()
    text = f"✖ guardrail: {stops[0]}"
    more = f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
    return (Cell(text + more, Tone.WARNING), Cell(f"✖ guardrail: {stops[0].rule}{more}", Tone.WARNING))
