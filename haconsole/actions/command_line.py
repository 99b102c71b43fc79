"""An action's call as a command line and as the entries of its form."""

from __future__ import annotations

from haconsole.actions.action import Action, Argument, ArgumentKind
from haconsole.actions.catalogue import find_action
from haconsole.model.findings import ActionCall, Advice, Remedy


def remedy_line(remedy: Remedy) -> str:
    """A remedy in a line of plain text: the advice, or the command line with its effect."""
    match remedy:
        case Advice(text=text):
            line = text
        case ActionCall():
            line = f"{command_line(remedy)}: {remedy.text}" if remedy.text else command_line(remedy)
    return f"last resort: {line}" if remedy.last_resort else line


def command_line(call: ActionCall) -> str:
    """``run replace cp2 NEW``: required arguments that are not known yet are in capitals."""
    action = find_action(call.action)
    words = (_word(argument, call.request.get(argument.name)) for argument in action.arguments)
    return " ".join(("run", action.name, *filter(None, words)))


def _word(argument: Argument, value: str | None) -> str:
    if value is None and not argument.required:
        return ""
    word = value or argument.name.upper()
    if argument.positional:
        return word.replace(",", " ") if argument.several else word
    return f"--{argument.name}" if argument.kind is ArgumentKind.FLAG else f"--{argument.name} {word}"


def entries(call: ActionCall) -> str:
    """``only = etcd, host = cp2``: the arguments as a form shows them, without empty ones."""
    return ", ".join(f"{name} = {value}" for name, value in call.arguments)


def action_of(call: ActionCall) -> Action:
    """The action that is called."""
    return find_action(call.action)
