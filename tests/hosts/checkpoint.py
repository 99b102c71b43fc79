"""A lab's disks kept and put back, so that one state is begun from again and again within seconds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from haconsole.lab import rootfs
from haconsole.lab.host import LabHost
from haconsole.lab.lab import Lab
from haconsole.lab.making import hosts_of, side_by_side


class Checkpoint:
    """The disks of some hosts of a lab as they were when this was made, by which every host is off.

    A copy holds what hosts wrote over the layers that they share. Addresses, names and keys are the lab's own.
    """

    def __init__(self, lab: Lab, folder: Path, hosts: tuple[str, ...]) -> None:
        self._lab = lab
        self._folder = folder
        side_by_side(lambda host: host.power_off(), hosts_of(lab.spec, lab.folder))
        for host in hosts:
            _copy(lab.host(host).folder / "upper", folder / host)

    def restore(self, hosts: tuple[str, ...], bare: Checkpoint | None = None) -> None:
        """Have exactly these hosts run and be as they were; those that this does not know are as in `bare`."""
        self._lab.mend()

        def put_back(host: LabHost) -> None:
            host.power_off()
            if host.name not in hosts:
                return
            rootfs.unmount(host.root)
            for part in ("upper", "work"):
                shutil.rmtree(host.folder / part, ignore_errors=True)
            kept = self._folder / host.name
            _copy(kept if kept.is_dir() or bare is None else bare._folder / host.name, host.folder / "upper")
            host.boot()

        side_by_side(put_back, hosts_of(self._lab.spec, self._lab.folder))


def _copy(source: Path, target: Path) -> None:
    """With owners, times, and the attributes by which the overlay marks what was removed (cp(1), --archive)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(("cp", "-a", "--sparse=always", "-T", str(source), str(target)), check=True, timeout=120)
