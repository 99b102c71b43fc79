"""A host's name, load, pressure, neighbours and configuration times, read with builtins where there are some."""

from __future__ import annotations

from datetime import UTC, datetime

from haconsole.configs.layout import Layout
from haconsole.inventory.effective import watched_vips
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.observed import Cause
from haconsole.model.system import ConfigCheck, Neighbour, Pressure, ProxyTimeout, SystemFacts, TimeoutKind
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script


def files_of(layout: Layout, host: Host) -> tuple[str, ...]:
    """The configuration files of a balancer's programs."""
    if Role.LOAD_BALANCER not in host.roles:
        return ()
    parts = (layout.haproxy, layout.keepalived)
    return tuple(part.config_file for part in parts if part)


def unit_files_of(layout: Layout, host: Host) -> tuple[str, ...]:
    """The unit and environment files that bootstrap writes on the host, and the folders of its units' drop-ins."""
    etcd, kubernetes = layout.etcd, layout.kubernetes
    of_etcd = (etcd.unit_file, etcd.env_file) if Role.ETCD in host.roles else ()
    is_plane = kubernetes is not None and Role.CONTROL_PLANE in host.roles
    of_plane = tuple(each.unit_file for each in kubernetes.components) if kubernetes and is_plane else ()
    drop_ins = (f"/etc/systemd/system/{unit}.service.d" for unit in layout.units(host))
    return (*filter(None, (*of_etcd, *of_plane)), *drop_ins)


def section(inventory: Inventory, layout: Layout, host: Host, *, every: int = 1) -> Section:
    """No root needed; of the neighbours only VIPs are read."""
    words = (*watched_vips(inventory), "--", *files_of(layout, host), *unit_files_of(layout, host))
    return Section("system", with_arguments(load_script("system"), *words), every)


def parse(answer: SectionAnswer, unit_files: tuple[str, ...] = ()) -> SystemFacts:
    """The facts; what a host lacks is empty or None."""
    try:
        return _parsed(answer, unit_files)
    except (ValueError, IndexError, OverflowError, OSError) as error:
        raise ProbeError(f"the system's state: unexpected output: {error}", Cause.UNREADABLE) from error


def _parsed(answer: SectionAnswer, unit_files: tuple[str, ...]) -> SystemFacts:
    rows = [line.partition(" ")[::2] for line in require(answer, "reading the system's state").splitlines()]
    values = dict(rows)
    rows_of_files = (rest.partition(" ")[::2] for key, rest in rows if key == "written")
    times = tuple((path, datetime.fromtimestamp(int(at), UTC)) for at, path in rows_of_files)
    return SystemFacts(
        hostname=values.get("hostname", ""),
        machine_id=values.get("machine-id", ""),
        load=_number(values.get("load", "").partition(" ")[0]),
        cpus=int(values.get("cpus") or 0),
        pressure=Pressure(*(_pressure(values.get(f"pressure-{kind}", "")) for kind in ("cpu", "io", "memory"))),
        clocksource=values.get("clocksource", ""),
        hardware=tuple(
            (key.removeprefix("hardware-"), rest) for key, rest in rows if key.startswith("hardware-") and rest
        ),
        neighbours=tuple(_neighbour(rest) for key, rest in rows if key == "neighbour" and " lladdr " in f" {rest}"),
        mtu=tuple((key.removeprefix("mtu-"), int(rest)) for key, rest in rows if key.startswith("mtu-") and rest),
        links_down=tuple((key.removeprefix("link-"), rest) for key, rest in rows if key.startswith("link-") and rest),
        files_written=tuple(each for each in times if each[0] not in unit_files),
        unit_files_written=tuple(each for each in times if each[0] in unit_files),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pressure(line: str) -> float | None:
    """``some avg10=0.00 avg60=… …``."""
    return next((_number(word[6:]) for word in line.split() if word.startswith("avg10=")), None)


def _neighbour(line: str) -> Neighbour:
    words = line.split()
    return Neighbour(words[0], words[words.index("lladdr") + 1], words[-1])


def checks_section(layout: Layout, *, every: int = 1) -> Section:
    """haproxy and keepalived check their own configuration; rarely, since each is a process of some 20 ms."""
    files = (part.config_file if part else "" for part in (layout.haproxy, layout.keepalived))
    checks = with_arguments(load_script("configuration-checks"), *files)
    if layout.haproxy and layout.kubernetes:
        words = (layout.haproxy.config_file, f"{layout.kubernetes.api_port}")
        checks += f"\n( {with_arguments(load_script('haproxy-proxies'), *words)} )"
    return Section("configs", checks, every)


def parse_checks(answer: SectionAnswer) -> tuple[ConfigCheck, ...]:
    """One verdict for each program that is installed and has a file, haproxy's with its timeouts and addresses."""
    lines = require(answer, "checking the configurations").splitlines()
    timeouts = tuple(_timeout(line) for line in lines if line.partition(" ")[0] in set(TimeoutKind))
    binds = tuple(line.split(" ", 2)[2] for line in lines if line.startswith("bind "))
    rows = [line.split(" ", 3) for line in lines if line.partition(" ")[0] not in {*TimeoutKind, "bind"}]
    return tuple(
        ConfigCheck(
            row[0],
            row[2],
            row[1] == "valid",
            row[3].strip() if len(row) > 3 else "",
            timeouts if row[0] == "haproxy" else (),
            binds if row[0] == "haproxy" else (),
        )
        for row in rows
        if len(row) >= 3
    )


def _timeout(line: str) -> ProxyTimeout:
    kind, proxy, seconds, setting = line.split(" ", 3)
    return ProxyTimeout(TimeoutKind(kind), proxy, float(seconds), setting)
