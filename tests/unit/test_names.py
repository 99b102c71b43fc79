"""Names of the code: classes have names of their own, and values are named by nouns, never by bare participles."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTICIPLES = (
    "asked|begun|bound|bought|broken|brought|built|caught|chosen|done|drawn|dropped|fallen|found|given|gone|got|heard|"
    "held|hidden|hung|kept|laid|left|lost|made|meant|met|paid|said|seen|sent|shown|sought|spoken|stolen|stood|taken|"
    "taught|told|thought|thrown|torn|understood|wanted|worn|wound|written"
)
ADVERBS = "again|already|anew|apart|aside|beside|besides|elsewhere|otherwise|together"
BARE = re.compile(f"_*({PARTICIPLES}|{ADVERBS})_*")


CLASS = re.compile(r"^ *class (\w+)[(:]", re.MULTILINE)
TEXT = re.compile(r'"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*')
MAYBE_BARE = re.compile(rf"(?<!\w)_*({PARTICIPLES}|{ADVERBS})_*(\s+in\b|\s*[=:,()\]])")
"""Found in code wherever a name is defined by one of these words, and in some other places: a reason to parse it."""


def test_every_class_has_a_name_of_its_own() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path, text in sources("haconsole"):
        for match in CLASS.finditer(text):
            places[match[1]].append(path)
    assert len(places) > 500
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_no_name_is_a_bare_participle() -> None:
    bare = [
        f"{path}: {name}"
        for folder in ("haconsole", "tests")
        for path, text in sources(folder)
        if MAYBE_BARE.search(TEXT.sub("", text))
        for name in defined_names(ast.parse(text))
        if BARE.fullmatch(name)
    ]
    assert bare == []


def test_a_bare_participle_is_noticed_wherever_a_name_is_defined() -> None:
    code = """
class Answer:
    heard: int

    def told(self, asked: str, *, seen: int = 0) -> None:
        found = asked
        for made, (kept, _) in ():
            self.held = made

gone = lambda given: given
"""
    names = {name for name in defined_names(ast.parse(code)) if BARE.fullmatch(name)}
    assert {match[1] for match in MAYBE_BARE.finditer(code)} >= names
    assert names == {"heard", "told", "asked", "seen", "found", "made", "kept", "held", "gone", "given"}


def sources(folder: str) -> Iterator[tuple[str, str]]:
    """Every module under a folder of the project, with its path."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text()


def defined_names(tree: ast.AST) -> Iterator[str]:
    """Functions, parameters, variables, fields and attributes: each once a scope."""
    yield from _in_scope(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _in_scope(node)


def _in_scope(scope: ast.AST) -> set[str]:
    names: set[str] = set()
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        arguments = scope.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        names |= {argument.arg for argument in named if argument is not None}
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
                continue
            case ast.ClassDef() | ast.Lambda():
                continue
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case _:
                pass
        waiting += ast.iter_child_nodes(node)
    return names
