"""Paths and names of the code in the contributors' guides exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"`([\w./-]+\.(?:py|sh|yaml|md|txt|css)|(?!/|~)[\w./-]+/[\w.-]*)`")
NAME = re.compile(r"`([A-Z][a-z]+\w*)(?:\.(\w+))?`")


def sources() -> list[Path]:
    return [
        path for name in ("haconsole", "tests") for path in (ROOT / name).rglob("*") if "__pycache__" not in path.parts
    ]


@pytest.mark.parametrize("guide", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_and_class_exists(guide: str) -> None:
    text = (ROOT / guide).read_text()
    places = [f"/{path.relative_to(ROOT)}" for path in (*sources(), *ROOT.glob("*"))]
    modules = [place.removesuffix(".py") for place in places]
    paths = {path.rstrip("/") for path in FILE.findall(text)}
    assert {path for path in paths if not any(place.endswith(f"/{path}") for place in (*places, *modules))} == set()
    code = "\n".join(path.read_text() for path in sources() if path.suffix == ".py")
    words = set(re.findall(r"\w+", code))
    assert {name for names in NAME.findall(text) for name in names if name and name not in words} == set()
