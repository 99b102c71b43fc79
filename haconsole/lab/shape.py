"""What a person asks of a lab, as against what a lab is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from haconsole.lab.errors import LabError
from haconsole.lab.spec import LabSpec, check_size


@dataclass(frozen=True, slots=True)
class Shape:
    """What a lab is asked to be; None means whatever it is, or the usual when it is made now.

    `kubernetes_bin` is a folder with Kubernetes programs to take instead of a release or a build.
    """

    hosts: int | None = None
    workers: int | None = None
    bastion: bool | None = None
    kubernetes: bool = True
    kubernetes_bin: Path | None = None

    def spec(self, name: str, subnet: int, layers: tuple[Path, ...]) -> LabSpec:
        """The shape of a lab made now; raises LabError for one too large for its subnet."""
        hosts, workers = 3 if self.hosts is None else self.hosts, self.workers or 0
        check_size(hosts, workers)
        return LabSpec(name, subnet, hosts, workers, bool(self.bastion), tuple(map(str, layers)))

    def check(self, there: LabSpec) -> None:
        """Raise LabError unless a lab that is there has this shape."""
        asked = (self.hosts, self.workers, self.bastion)
        has = (there.control_planes, there.workers, there.bastion)
        if any(one is not None and one != other for one, other in zip(asked, has, strict=True)):
            what = f"{has[0]} control planes, {has[1]} workers and {'a' if has[2] else 'no'} bastion"
            mend = f"take it down first (`haconsole lab down --name {there.name}`), or take another name"
            raise LabError(f"lab `{there.name}` is there with {what}", mend=mend)


ANY_SHAPE = Shape()
"""Whatever is there, else three control planes with the Kubernetes programs."""
