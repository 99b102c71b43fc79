"""A host's platform: operating system, packages, runtime, kernel settings, firewall and time service."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.configs.layout import Layout
from haconsole.configs.software import MODULES, SYSCTLS, software_of
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.observed import Cause
from haconsole.model.platform import (
    FirewallTool,
    PackageState,
    PackageTool,
    PlatformFacts,
    ProgramState,
    RuntimeState,
)
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script


def section(inventory: Inventory, layout: Layout, host: Host) -> Section:
    """Root is needed for the firewall's rules."""
    software = software_of(inventory, layout, host)
    packages = dict.fromkeys(name for one in software for name in (one.apt, one.rpm) if name)
    programs = dict.fromkeys(program for one in software for program in one.programs)
    words = (*packages, "--", *programs, "--", *MODULES, "--", *(name for name, _ in SYSCTLS))
    return Section("platform", with_arguments(load_script("platform"), *words))


def parse(answer: SectionAnswer) -> PlatformFacts:
    """The facts; a ProbeError if the system is not named."""
    rows = tuple(line.partition(" ")[::2] for line in require(answer, "reading the platform").splitlines())
    values = dict(rows)
    try:
        return PlatformFacts(
            os=values["os"],
            version=_value(values["version"]),
            name=_value(values["name"]),
            tool=PackageTool(values["tool"]),
            container="container" in values,
            lists="lists" in values or values["tool"] != PackageTool.APT,
            packages=tuple(_package(rest) for key, rest in rows if key == "package"),
            programs=tuple(_program(rest) for key, rest in rows if key == "program"),
            runtime=_runtime(values),
            cni_plugins=values.get("cni-plugins", ""),
            swap=tuple(_all(rows, "swap")),
            swap_lines=tuple(_all(rows, "swap-line")),
            swap_units=tuple(_all(rows, "swap-unit")),
            modules=tuple(_all(rows, "module")),
            sysctls=tuple(_sysctl(rest) for rest in _all(rows, "sysctl")),
            selinux=values.get("selinux", ""),
            firewall=FirewallTool(values.get("firewall", "none")),
            open_ports=tuple(dict.fromkeys(_all(rows, "open"))),
            time_service=values.get("time", ""),
            kubelet_enabled="kubelet" in values,
        )
    except (KeyError, ValueError) as error:
        raise ProbeError(f"the platform: unexpected output: {error}", Cause.UNREADABLE) from error


def _all(rows: tuple[tuple[str, str], ...], key: str) -> Iterator[str]:
    return (rest.strip() for name, rest in rows if name == key)


def _value(text: str) -> str:
    return "" if text == "-" else text


def _package(text: str) -> PackageState:
    name, installed, candidate, hold = text.split()
    return PackageState(name, _value(installed), _value(candidate), hold == "held")


def _program(text: str) -> ProgramState:
    name, path, version = text.split()
    return ProgramState(name, path, _value(version))


def _sysctl(text: str) -> tuple[str, str]:
    name, _, value = text.partition(" ")
    return name, value.strip()


def _runtime(values: dict[str, str]) -> RuntimeState | None:
    socket = values.get("socket", "")
    if "runtime" not in values and not socket:
        return None
    return RuntimeState(
        values.get("runtime") or socket.rpartition("/")[2].removesuffix(".sock"),
        socket,
        "configured" in values,
        values.get("cgroup", ""),
        values.get("sandbox", ""),
        "cri" in values,
        values.get("cni-folder", ""),
    )
