"""The requested shape of a lab: number of hosts and workers, bastion, Debian release, Kubernetes or kubeadm."""

from __future__ import annotations

from pathlib import Path

import msgspec

from haconsole.lab.errors import LabError
from haconsole.lab.spec import Debian, KubeadmSpec, LabSpec, check_size


class LabGround(msgspec.Struct, frozen=True):
    """The shared parts of a lab's hosts: layers of their disks, topmost first, and kubeadm hosts' imported images."""

    layers: tuple[Path, ...]
    images: Path | None = None


class LabShape(msgspec.Struct, frozen=True):
    """The requested lab; None means as it is, or the default when it is created now.

    `kubernetes_bin` is a folder with Kubernetes programs to use instead of a release or a build; `mirror` is the Debian
    archive to build from, by default apt's.
    """

    hosts: int | None = None
    workers: int | None = None
    bastion: bool | None = None
    kubernetes: bool = True
    kubernetes_bin: Path | None = None
    debian: Debian | None = None
    kubeadm: KubeadmSpec | None = None
    mirror: str | None = None

    def spec(self, name: str, subnet: int, ground: LabGround) -> LabSpec:
        """The shape of a lab made now; raises LabError for one too large for its subnet."""
        hosts, workers = 3 if self.hosts is None else self.hosts, self.workers or 0
        check_size(hosts, workers)
        layers, images = tuple(map(str, ground.layers)), str(ground.images or "")
        debian = self.debian or Debian.BOOKWORM
        return LabSpec(name, subnet, hosts, workers, bool(self.bastion), layers, debian, self.kubeadm, images)

    def check(self, there: LabSpec) -> None:
        """Raise LabError unless a lab that is there has this shape."""
        counts = (self.hosts, self.workers, self.bastion)
        has = (there.control_planes, there.workers, there.bastion)
        self._check_hosts(there)
        if any(one is not None and one != other for one, other in zip(counts, has, strict=True)):
            what = f"{has[0]} control planes, {has[1]} workers and {'a' if has[2] else 'no'} bastion"
            hint = f"take it down first (`haconsole lab down --name {there.name}`), or take another name"
            raise LabError(f"lab `{there.name}` exists with {what}", hint=hint)

    def _check_hosts(self, there: LabSpec) -> None:
        """Raise LabError unless the hosts of a lab that is there are of the kind that is wanted."""
        hint = f"take it down first (`haconsole lab down --name {there.name}`), or take another name"
        if self.debian not in (None, there.debian):
            raise LabError(f"lab `{there.name}` exists with Debian {there.debian.value}", hint=hint)
        if self.kubeadm not in (None, there.kubeadm):
            layout = there.kubeadm
            has = f"etcd {layout.etcd.value}, balancer {layout.balancer.value}" if layout else "no kubeadm"
            raise LabError(f"lab `{there.name}` exists with {has}", hint=hint)


ANY_SHAPE = LabShape()
"""The existing shape, otherwise three control planes with the Kubernetes programs."""
