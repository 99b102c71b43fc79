"""A lab's disks kept and put back, so that one state is begun from again and again within seconds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from haconsole.lab import rootfs
from haconsole.lab.lab import Lab
from haconsole.lab.making import hosts_of, side_by_side


class Checkpoint:
    """The disks of every host of a lab as they were when this was made; the hosts are cut off for it and booted again.

    A copy holds what hosts wrote over the layers that they share. Addresses, names and keys are the lab's own.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab = lab
        self._folder = folder
        for host in lab.spec.hosts:
            lab.exec(host.name, "sync")
            lab.crash(host.name)
            _copy(self._upper(host.name), self._kept(host.name))
        self._boot()

    def restore(self) -> None:
        """Have every host as it was; whatever happened since is gone."""
        self._lab.mend()
        side_by_side(lambda host: self._put_back(host.name), hosts_of(self._lab.spec, self._lab.folder))
        self._boot()

    def _put_back(self, name: str) -> None:
        host = self._lab.host(name)
        host.power_off()
        rootfs.unmount(host.root)
        for part in ("upper", "work"):
            shutil.rmtree(host.folder / part, ignore_errors=True)
        _copy(self._kept(name), self._upper(name))

    def _boot(self) -> None:
        side_by_side(lambda host: host.boot(), hosts_of(self._lab.spec, self._lab.folder))

    def _upper(self, name: str) -> Path:
        return self._lab.host(name).folder / "upper"

    def _kept(self, name: str) -> Path:
        return self._folder / name


def _copy(source: Path, target: Path) -> None:
    """With owners, times, and the attributes by which the overlay marks what was removed (cp(1), --archive)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(("cp", "-a", "--sparse=always", "-T", str(source), str(target)), check=True, timeout=120)
