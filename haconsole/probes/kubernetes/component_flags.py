"""The flags that kube-controller-manager and kube-scheduler were started with, as units or as static pods."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.model.component_flags import DEFAULTS, SWITCHES, ComponentFlags
from haconsole.probes.errors import require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

PROGRAMS = ("kube-controller-manager", "kube-scheduler")


def section(*, every: int = 1) -> Section:
    """Their processes are the host's, in a pod or not."""
    return Section("component_flags", with_arguments(load_script("program-arguments"), *PROGRAMS), every)


def parse(answer: SectionAnswer) -> tuple[ComponentFlags, ...]:
    """One value for each component that runs."""
    arguments: dict[str, list[str]] = {}
    words: list[str] = []
    for line in require(answer, "the arguments of the components").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "program":
            words = arguments.setdefault(rest, [])
        elif kind == "argument":
            words.append(rest)
    return tuple(ComponentFlags(name, tuple(sorted(_flags(own)))) for name, own in arguments.items())


def _flags(arguments: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value, of ``--name=value`` and ``--name value`` alike; a switch needs no value."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        name = f"--{name.lstrip('-')}" if name.startswith("-") else name
        if name in DEFAULTS:
            yield name, value if equals else "true" if name in SWITCHES else next(words, "")
