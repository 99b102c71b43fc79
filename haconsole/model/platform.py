"""Facts about a host's operating system that preparation depends on: packages, programs, runtime, kernel, firewall."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class PackageTool(StrEnum):
    """The program that installs packages; `NONE` if the host has none that is supported."""

    APT = "apt"
    DNF = "dnf"
    YUM = "yum"
    NONE = "none"


class FirewallTool(StrEnum):
    """The active tool that filters incoming packets; `IPTABLES` are rules of another tool."""

    FIREWALLD = "firewalld"
    UFW = "ufw"
    NFTABLES = "nftables"
    IPTABLES = "iptables"
    NONE = "none"


class PackageState(msgspec.Struct, frozen=True):
    """A package as the package tool knows it; versions are empty where there is none, or none is known."""

    name: str
    installed: str = ""
    candidate: str = ""
    is_held: bool = False
    """Excluded from upgrades."""


class ProgramState(msgspec.Struct, frozen=True):
    """An installed program; `version` is empty where it was not queried or could not be read."""

    name: str
    path: str
    version: str = ""


class RuntimeState(msgspec.Struct, frozen=True):
    """The container runtime and the settings that kubelet depends on; empty where they are not known."""

    name: str
    """``containerd``, or the runtime that listens at its usual socket."""
    socket: str = ""
    """The socket that exists."""
    configured: bool = False
    """Whether it has a configuration file."""
    cgroup_driver: str = ""
    sandbox_image: str = ""
    cri_disabled: bool = False
    cni_folder: str = ""
    """Folder in which it looks for CNI plug-ins."""


class PlatformFacts(msgspec.Struct, frozen=True):
    """One host's platform, as preparation found it."""

    os: str
    """``ID`` of os-release(5)."""
    version: str
    """``VERSION_ID`` of os-release(5)."""
    name: str
    """``PRETTY_NAME`` of os-release(5)."""
    tool: PackageTool
    container: bool = False
    """Whether the host is a container: kernel settings, swap and clock belong to the machine below it."""
    lists: bool = True
    """Whether the package tool knows the packages of its repositories."""
    packages: tuple[PackageState, ...] = ()
    programs: tuple[ProgramState, ...] = ()
    runtime: RuntimeState | None = None
    cni_plugins: str = ""
    """Folder that has CNI plug-ins."""
    swap: tuple[str, ...] = ()
    """Active swap devices and files."""
    swap_lines: tuple[str, ...] = ()
    """Swap entries of fstab(5)."""
    swap_units: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    """Loaded or built-in modules among those that kubelet needs."""
    sysctls: tuple[tuple[str, str], ...] = ()
    selinux: str = ""
    """``enforcing``, ``permissive`` or ``disabled``; empty without SELinux."""
    firewall: FirewallTool = FirewallTool.NONE
    open_ports: tuple[str, ...] = ()
    """``6443/tcp`` and ranges like ``30000-32767/tcp``, as the firewall lists them."""
    time_service: str = ""
    """The active unit that sets the clock."""
    kubelet_enabled: bool = False

    def package(self, name: str) -> PackageState | None:
        return next((one for one in self.packages if one.name == name), None)

    def program(self, name: str) -> ProgramState | None:
        """The program of this name or path."""
        return next((one for one in self.programs if name in (one.name, one.path)), None)

    def sysctl(self, name: str) -> str:
        """The value; empty if the kernel does not have the setting."""
        return dict(self.sysctls).get(name, "")
