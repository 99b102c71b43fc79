"""Finds the texts of the repository that a person reads, with their places."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

MARKDOWN = {".md"}
COMMENTED = {".yaml", ".yml", ".toml", ""}
SHELL = {".sh"}
EXPRESSION = "…"
SHELL_TEXT = re.compile(r"""(["'])((?:\\.|(?!\1)[^\n])*)\1""")
SHELL_EXPRESSION = re.compile(r"\$\([^)]*\)?|\$\{[^}]*\}?|\$\w+")


class Kind(Enum):
    MARKDOWN = "paragraph"
    STRING = "string"
    TITLE = "step title"
    REASON = "step reason"
    DOCSTRING = "docstring"
    COMMENT = "comment"
    TEST_NAME = "test name"


NAMED = {"title": Kind.TITLE, "why": Kind.REASON, "WHY": Kind.REASON}


@dataclass(frozen=True, slots=True)
class Text:
    """One text: a paragraph, a literal, a docstring, a comment or the name of a test."""

    path: str
    """Relative to the repository."""
    line: int
    kind: Kind
    content: str
    """Expressions of an f-string are replaced by `EXPRESSION`."""


def texts_of(path: str, source: str) -> list[Text]:
    """All texts of one file, in the order of its lines; none for kinds of files that are not read."""
    suffix = Path(path).suffix
    if suffix == ".py":
        return sorted(_of_python(path, source), key=lambda text: text.line)
    if suffix in MARKDOWN:
        return list(_of_markdown(path, source))
    if suffix in COMMENTED:
        return list(_of_comments(path, source))
    if suffix in SHELL:
        return [*_of_comments(path, source), *_of_shell(path, source)]
    return []


def _of_markdown(path: str, source: str) -> Iterator[Text]:
    start, lines, code = 0, list[str](), False
    for number, line in enumerate([*source.splitlines(), ""], start=1):
        if line.startswith("```"):
            code = not code
        indented = line.startswith("    ") and not lines
        ends = not line.strip() or code or indented or re.match(r"\s*([-*|#]|\d+\.) ?", line)
        if ends and lines:
            yield Text(path, start, Kind.MARKDOWN, " ".join(lines))
            lines = []
        if line.strip() and not code and not indented and not line.startswith("```"):
            start = start if lines else number
            lines.append(line.strip())


def _of_comments(path: str, source: str) -> Iterator[Text]:
    for number, line in enumerate(source.splitlines(), start=1):
        comment = re.search(r"(?:^|\s)#(?!!)\s?(.*)", line)
        if comment:
            yield Text(path, number, Kind.COMMENT, comment[1])


def _of_shell(path: str, source: str) -> Iterator[Text]:
    """Quoted texts of at least two words, where variables and commands count as expressions."""
    for number, line in enumerate(source.splitlines(), start=1):
        for match in SHELL_TEXT.finditer(line):
            content = SHELL_EXPRESSION.sub(EXPRESSION, match[2])
            if len(re.findall(r"[A-Za-z]{2,}", content)) > 1:
                yield Text(path, number, Kind.STRING, content)


def _of_python(path: str, source: str) -> Iterator[Text]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(path, token.start[0], Kind.COMMENT, token.string.lstrip("#! "))
    tree = ast.parse(source)
    kinds = _kinds(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield Text(path, node.lineno, Kind.TEST_NAME, node.name.replace("_", " "))
        content = _content(node)
        kind = kinds.get(id(node), Kind.STRING)
        if content is not None and kind is not None and (kind is Kind.DOCSTRING or len(content.split()) > 1):
            assert isinstance(node, ast.expr)
            yield Text(path, node.lineno, kind, content)


def _content(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else EXPRESSION for part in node.values)
    return None


def _kinds(tree: ast.Module) -> dict[int, Kind | None]:
    """The kinds of literals that are more than strings, by the id of the node; none for parts of an f-string."""
    kinds: dict[int, Kind | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            kinds.update({id(part): None for part in node.values})
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            kinds[id(node.format_spec)] = None
        for name, expression in _named(node):
            if name in NAMED or name.endswith("_WHY"):
                kinds.update({id(literal): NAMED.get(name, Kind.REASON) for literal in _literals(expression)})
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kinds.update({id(line.value): Kind.DOCSTRING for line in node.body if isinstance(line, ast.Expr)})
    return kinds


def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names with the expressions given for them: keyword arguments, and constants of a module."""
    if isinstance(node, ast.Call):
        yield from ((word.arg, word.value) for word in node.keywords if word.arg)
    if isinstance(node, ast.Assign):
        yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def _literals(expression: ast.expr) -> list[ast.expr]:
    """The literals that an expression may come to."""
    match expression:
        case ast.IfExp():
            return [*_literals(expression.body), *_literals(expression.orelse)]
        case ast.Dict():
            return [literal for value in expression.values for literal in _literals(value)]
        case ast.Tuple():
            return [literal for value in expression.elts for literal in _literals(value)]
        case _:
            return [expression]
