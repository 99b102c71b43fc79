"""A lab's disks kept and restored, so that tests begin from one state again and again within seconds."""

from __future__ import annotations

from pathlib import Path

from haconsole.lab import disks, rootfs
from haconsole.lab.host import LabHost
from haconsole.lab.lab import Lab
from haconsole.lab.making import hosts_of, side_by_side


class Checkpoint:
    """The disks of some hosts of a lab as they were when this was made, after which every host is off.

    A copy holds what hosts wrote over the layers that they share. Addresses, names and keys are the lab's own.
    """

    def __init__(self, lab: Lab, folder: Path, hosts: tuple[str, ...]) -> None:
        self._lab = lab
        self._folder = folder
        self._images = Path(lab.spec.images) if lab.spec.kubeadm else None
        side_by_side(lambda host: host.power_off(), hosts_of(lab.spec, lab.folder))
        for host in hosts:
            disks.copy_disks(lab.host(host).folder, folder / host, self._images)

    def restore(self, hosts: tuple[str, ...], bare: Checkpoint | None = None) -> None:
        """Run exactly these hosts, with the disks kept here; hosts that are not kept here are as in `bare`."""
        self._lab.reconnect()

        def restore_host(host: LabHost) -> None:
            host.power_off()
            if host.name not in hosts:
                return
            rootfs.unmount(host.root)
            disks.remove_disks(host.folder)
            content = self._folder / host.name
            source = content if content.is_dir() or bare is None else bare._folder / host.name
            disks.copy_disks(source, host.folder, self._images)
            host.boot()

        side_by_side(restore_host, hosts_of(self._lab.spec, self._lab.folder))
