"""A host's load, memory and disk counters (proc(5); kernel.org: I/O statistics fields)."""

from __future__ import annotations

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.metrics import DiskTimes, HostUsage
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

_KB = 1024


def section(layout: Layout, host: Host, *, every: int = 1) -> Section:
    """No root needed. The disk is the one below etcd's data; on other hosts the one below ``/``."""
    folder = layout.etcd.data_dir if Role.ETCD in host.roles else "/"
    return Section("usage", with_arguments(load_script("usage"), folder), every)


def parse(answer: SectionAnswer) -> HostUsage:
    """The usage; values that the host does not report are None."""
    rows = dict(line.partition(" ")[::2] for line in require(answer, "reading the load").splitlines())
    try:
        return HostUsage(
            clock_s=float(rows["uptime"]),
            load=float(rows["load"]) if "load" in rows else None,
            memory_bytes=int(rows["memory"]) * _KB if "memory" in rows else None,
            available_bytes=int(rows["available"]) * _KB if "available" in rows else None,
            disk=_disk(rows["disk"]) if "disk" in rows else None,
        )
    except (KeyError, ValueError) as error:
        raise ProbeError(f"the load: unexpected output: {error}", Cause.UNREADABLE) from error


def _disk(text: str) -> DiskTimes:
    name, operations, busy_ms = text.split()
    return DiskTimes(name, int(operations), int(busy_ms))
