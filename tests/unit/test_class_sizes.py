"""Classes of the session, the screen and the fact store stay small: 15 methods at most, our inherited ones included."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType, ModuleType

import pytest

import haconsole.probes.fact_store
import haconsole.session
import haconsole.ui

AT_MOST = 15


def modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for result in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(result.name)


def classes() -> dict[str, type]:
    return {
        f"{kind.__module__}.{kind.__qualname__}": kind
        for module in (*modules(haconsole.session), *modules(haconsole.ui), haconsole.probes.fact_store)
        for kind in vars(module).values()
        if inspect.isclass(kind) and kind.__module__ == module.__name__
    }


def methods(kind: type) -> set[str]:
    """Names of the methods and properties in our own source, without generated ones."""
    return {
        name
        for base in kind.__mro__
        if base.__module__.startswith("haconsole.")
        for name, value in vars(base).items()
        if _file(value) == sys.modules[base.__module__].__file__
    }


def _file(value: object) -> str | None:
    """The source file of a method, property or cached property; None for everything else."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    elif isinstance(value, staticmethod | classmethod):
        value = value.__func__
    return inspect.unwrap(value).__code__.co_filename if isinstance(value, FunctionType) else None


@pytest.fixture(scope="module")
def sizes() -> dict[str, int]:
    return {name: len(methods(kind)) for name, kind in classes().items()}


def test_no_class_has_more_methods(sizes: dict[str, int]) -> None:
    assert {name: size for name, size in sizes.items() if size > AT_MOST} == {}


def test_generated_methods_are_not_counted_and_inherited_ones_are() -> None:
    from haconsole.ui.app import ConsoleApp
    from haconsole.ui.console import Setting

    assert methods(Setting) == set()
    assert {"action_request", "on_mount"} <= methods(ConsoleApp)
    assert "run_async" not in methods(ConsoleApp)
