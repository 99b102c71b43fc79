"""Reports on disturbed runs: where each was disturbed, its end, and the report on a case."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.hosts.chaos_cases import Fault


@dataclass(frozen=True, slots=True)
class Point:
    """`fault` happens `delay_s` after the record has `line` lines; a host's to `host`, for `lasts_s`."""

    line: int
    delay_s: float
    fault: Fault
    host: str
    lasts_s: float

    def __str__(self) -> str:
        where = f" {self.host}" if self.fault in (Fault.CUT, Fault.REBOOT) else ""
        return f"{self.fault}{where} at line {self.line} + {self.delay_s * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Seen:
    """The result at one point: how often the run was resumed, and the errors at its end."""

    point: Point
    resumes: int
    parts: dict[str, float]
    wrong: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())


@dataclass
class Report:
    """The results of one case; `wrong` is why it could not begin."""

    name: str
    lines: int = 0
    undisturbed_s: float = 0.0
    observations: list[Seen] = field(default_factory=list)
    wrong: str = ""

    @property
    def good(self) -> bool:
        return not self.wrong and not any(one.wrong for one in self.observations)

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.observations) / max(len(self.observations), 1)

    def __str__(self) -> str:
        if self.wrong:
            return f"{self.name:13} WRONG: {self.wrong}"
        faults = Counter(one.point.fault for one in self.observations)
        output = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))
        resumes = Counter(one.resumes for one in self.observations)
        went = ", ".join(f"{count} resumed {times}x" for times, count in sorted(resumes.items()))
        well = sum(not one.wrong for one in self.observations)
        longest = max((one.seconds for one in self.observations), default=0.0)
        parts = sum((Counter(one.parts) for one in self.observations), Counter[str]())
        spent = ", ".join(f"{name} {seconds / len(self.observations):.1f}" for name, seconds in parts.items())
        head = (
            f"{self.name:13} {len(self.observations):3} points ({output}): {well} well; {went}; "
            f"undisturbed {self.undisturbed_s:.1f} s over {self.lines} lines; "
            f"a point {self.seconds:.1f} s (longest {longest:.1f}; {spent})"
        )
        wrong = [f"    {one.point}: {'; '.join(one.wrong)}" for one in self.observations if one.wrong]
        return "\n".join((head, *wrong))
