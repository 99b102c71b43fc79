"""Converts one written value (text, number, truth value) to its type, or explains why it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, assert_never

from msgspec import inspect

from haconsole.inventory.formats import FORMATS, Folders, WrongFormatError
from haconsole.inventory.nodes import ListNode, MapNode, Node, ScalarNode
from haconsole.inventory.problems import quoted
from haconsole.model.secret import Secret

_WHOLE = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
_NUMBER = re.compile(r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
_NOTHING = ("", "~", "null", "Null", "NULL")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_ACTED_ON = "'\"`$;|&<>\\\n"
_OTHER_WORDS = {
    "master": "control-plane",
    "controlplane": "control-plane",
    "lb": "load-balancer",
    "haproxy": "load-balancer",
    "keepalived": "load-balancer",
    "node": "worker",
    "jump": "bastion",
    "ip": "address",
    "hostname": "name",
    "ansible_host": "ssh_address",
    "key": "identity_file",
    "key_file": "identity_file",
    "proxy_jump": "jump",
    "priority": "vrrp_priority",
    "virtual_router_id": "router_id",
    "vip": "vips",
    "kubevip": "kube_vip",
    "virtual_ips": "vips",
    "k8s": "kubernetes",
    "name": "cluster",
    "nodes": "hosts",
}
"""Other tools' names of the values of an inventory, so that the right name can be offered."""


class WrongValueError(ValueError):
    """`reason` follows the value's name ("is '022', not a whole number"); `hint` is the correct form."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.plain and node.text in _NOTHING


def did_you_mean(word: str, known: tuple[str, ...]) -> str | None:
    """The known word that was probably meant, None when there is no likely one."""
    flat = word.lower().replace("-", "_")
    close = get_close_matches(flat, [name.replace("-", "_") for name in known], n=1, cutoff=0.7)
    if close:
        return next(name for name in known if name.replace("-", "_") == close[0])
    other = _OTHER_WORDS.get(flat)
    return other if other in known else None


def read(node: Node, kind: inspect.Type, notes: Mapping[str, Any], folders: Folders) -> Any:
    """The value of `node` as `kind`; `notes` are the schema's words on it. Raises WrongValueError."""
    match kind:
        case inspect.StrType():
            return _formatted(_text(node, kind.pattern, notes), notes, folders)
        case inspect.CustomType(cls=cls) if cls is Secret:
            return Secret(_secret(node, notes))
        case inspect.IntType() | inspect.FloatType():
            return _number(node, kind, notes)
        case inspect.BoolType():
            return _truth(node)
        case inspect.EnumType(cls=words):
            return words(_word(node, tuple(str(word.value) for word in words)))
        case inspect.LiteralType(values=values):
            return _word(node, tuple(str(value) for value in values))
        case _:
            raise NotImplementedError(f"the schema has a type the loader does not know: {kind}")


def source_text(node: Node) -> str:
    """The value, in a few words that fit after "is"."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "a mapping of keys"
        case ScalarNode():
            if is_nothing(node):
                return "empty"
            return quoted(node.text) if _is_text(node) else node.text[:20]
        case _:
            assert_never(node)


def example(notes: Mapping[str, Any]) -> str:
    """How to write the value, from the schema's examples; else what it is."""
    examples = [text for text in notes.get("examples", ()) if isinstance(text, str)]
    return f"write it like {' or '.join(examples)}" if examples else f"write {notes.get('title', 'text')}"


def _is_text(node: ScalarNode) -> bool:
    return not node.plain or not (node.text in _TRUTH or is_nothing(node) or _NUMBER.match(node.text))


def _text(node: Node, pattern: str | None, notes: Mapping[str, Any]) -> str:
    title = notes.get("title", "text")
    if not isinstance(node, ScalarNode) or is_nothing(node):
        raise WrongValueError(f"is {source_text(node)}, not {title}", example(notes))
    if not _is_text(node):
        kind = "true or false" if node.text in _TRUTH else "a number"
        raise WrongValueError(f"is {kind} ({node.text[:20]}), not text", f"put it in quotes: '{node.text[:20]}'")
    _harmless(node.text, notes)
    if pattern is not None and not re.search(pattern, node.text):
        _inert(node.text, notes)
        raise WrongValueError(f"is {quoted(node.text)}, not {title}", example(notes))
    return node.text


def _secret(node: Node, notes: Mapping[str, Any]) -> str:
    """Text that no message repeats."""
    title = notes["title"]
    if not isinstance(node, ScalarNode) or is_nothing(node):
        raise WrongValueError("is not text", f"write {title}")
    if not _is_text(node):
        raise WrongValueError("is a number or a truth value, not text", "put it in quotes")
    if not re.search(notes["pattern"], node.text) or not node.text.isprintable():
        raise WrongValueError("is invalid (the value is not shown here)", f"write {title}")
    return node.text


def _harmless(text: str, notes: Mapping[str, Any]) -> None:
    bad = next((char for char in text if not char.isprintable()), None)
    if bad is not None:
        raise WrongValueError(f"has a control or invisible character in it (U+{ord(bad):04X})", example(notes))


def _inert(text: str, notes: Mapping[str, Any]) -> None:
    bad = next((char for char in text if char in _ACTED_ON), None)
    if bad is not None:
        reason = f"contains {bad}, which a shell or a configuration file would interpret"
        raise WrongValueError(reason, example(notes))


def _formatted(text: str, notes: Mapping[str, Any], folders: Folders) -> str:
    reader = FORMATS.get(notes.get("kind", ""))
    if reader is None:
        return text
    try:
        return reader(text, folders)
    except WrongFormatError as error:
        raise WrongValueError(f"is {quoted(text)}, {error.what}", error.hint or example(notes)) from None


def _number(node: Node, kind: inspect.IntType | inspect.FloatType, notes: Mapping[str, Any]) -> int | float:
    whole = isinstance(kind, inspect.IntType)
    kind_name = "a whole number" if whole else "a number"
    unit = f" ({notes['title']})" if "title" in notes else ""
    if not isinstance(node, ScalarNode) or not (_WHOLE if whole else _NUMBER).match(node.text):
        raise WrongValueError(f"is {source_text(node)}, not {kind_name}", f"write {kind_name}{_between(kind)}{unit}")
    if not node.plain:
        raise WrongValueError(f"is text ({quoted(node.text)}), not {kind_name}", "write it without quotes")
    number = float(node.text) if not whole or len(node.text) > 18 else int(node.text)
    if not _inside(number, kind):
        raise WrongValueError(f"is {node.text[:20]}, out of range", f"write {kind_name}{_between(kind)}{unit}")
    return number


def _inside(number: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (kind.ge is None or number >= kind.ge)
        and (kind.gt is None or number > kind.gt)
        and (kind.le is None or number <= kind.le)
        and (kind.lt is None or number < kind.lt)
    )


def _between(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.gt is not None:
        return f" over {kind.gt} and up to {kind.le}"
    return f" from {kind.ge} to {kind.le}"


def _truth(node: Node) -> bool:
    if isinstance(node, ScalarNode) and node.plain and node.text in _TRUTH:
        return _TRUTH[node.text]
    raise WrongValueError(f"is {source_text(node)}, not true or false", "write true or false, without quotes")


def _word(node: Node, known: tuple[str, ...]) -> str:
    if isinstance(node, ScalarNode) and node.text in known:
        return node.text
    suggestion = did_you_mean(node.text, known) if isinstance(node, ScalarNode) else None
    listed = ", ".join(known)
    hint = f"did you mean {suggestion}? The known values are {listed}" if suggestion else f"write one of {listed}"
    raise WrongValueError(f"is {source_text(node)}, which is not known here", hint)
