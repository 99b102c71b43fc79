"""Several small files of a host read by one root command."""

from __future__ import annotations

import shlex

from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import ARGV, Section, SectionAnswer, answers, render
from haconsole.transport.base import HostTransport

_ABSENT = 66


async def read_files(transport: HostTransport, paths: tuple[str, ...], *, deadline_s: float) -> dict[str, str | None]:
    """Each path's text, None where there is no such file. Keys among them stay in memory and out of every message."""
    if not paths:
        return {}
    sections = tuple(
        Section(f"file_{index}", f"[ -e {shlex.quote(path)} ] || return {_ABSENT}; cat -- {shlex.quote(path)}")
        for index, path in enumerate(paths)
    )
    result = await transport.run(ARGV, stdin=render(sections), root=True, deadline_s=deadline_s)
    answer_by_section = {answer.section: answer for answer in answers(result.stdout)}
    return {
        path: _text(path, answer_by_section.get(section.name)) for path, section in zip(paths, sections, strict=True)
    }


def _text(path: str, answer: SectionAnswer | None) -> str | None:
    if answer is None:
        raise ProbeError(f"could not read {path}: the host returned nothing for it", Cause.UNREADABLE)
    return None if answer.status == _ABSENT else require(answer, f"read {path}") + "\n"
