"""Addresses at which etcd and haproxy's statistics page serve every host."""

from __future__ import annotations

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.observed import Cause
from haconsole.model.system import Exposure, ExposureKind
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script


def programs_of(layout: Layout, host: Host) -> tuple[str, ...]:
    """The programs of a host whose listeners are read."""
    haproxy = ("haproxy",) if layout.haproxy and Role.LOAD_BALANCER in host.roles else ()
    return (*(("etcd",) if Role.ETCD in host.roles else ()), *haproxy)


def section(layout: Layout, host: Host, *, every: int = 1) -> Section:
    """Needs root: a process's environment and haproxy's passwords are not for every account."""
    programs = programs_of(layout, host)
    etcd = f"( {load_script('etcd-exposure').strip()}\n)\n" if "etcd" in programs else ""
    file = layout.haproxy.config_file if layout.haproxy and "haproxy" in programs else ""
    haproxy = f"( {with_arguments(load_script('haproxy-exposure'), file).strip()}\n)\n" if file else ""
    return Section("exposures", f"{etcd}{haproxy}:", every)


def parse(answer: SectionAnswer) -> tuple[Exposure, ...]:
    """One value for each address; ``exposed KIND ADDRESS`` and, for haproxy, its proxy."""
    try:
        rows = (line.split(" ") for line in require(answer, "reading the open ports").splitlines() if line)
        return tuple(Exposure(ExposureKind(row[1]), row[2], " ".join(row[3:])) for row in rows if row[0] == "exposed")
    except (ValueError, IndexError) as error:
        raise ProbeError(f"the open ports cannot be read: {error}", Cause.UNREADABLE) from error
