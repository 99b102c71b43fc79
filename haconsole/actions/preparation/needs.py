"""The needs of a host, by the facts of its platform: software with its source, settings, and ports. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from haconsole.configs.layout import Layout
from haconsole.configs.software import SYSCTLS, TIME_SERVICE, Software, ports_of, runs_node, sandbox_image, software_of
from haconsole.inventory.preparation import Release, SelinuxMode
from haconsole.inventory.schema import CgroupDriver, Host, Inventory, Kubeadm
from haconsole.model.platform import FirewallTool, PackageTool, PlatformFacts

OPTIONAL = (TIME_SERVICE, "ethtool", "socat")
"""Software that bootstrap works without."""
UNCHECKED = "net.bridge.bridge-nf-call-ip6tables"
"""A setting that is written with the others, but is no reason to prepare a host: kubeadm does not check it."""


@dataclass(frozen=True, slots=True)
class HostNeeds:
    """A host, its platform, and the inventory that it is prepared for."""

    inventory: Inventory
    layout: Layout
    host: Host
    facts: PlatformFacts

    @property
    def node(self) -> bool:
        """Whether kubelet will run here."""
        return runs_node(self.inventory, self.host)

    @property
    def kubeadm(self) -> Kubeadm:
        kubernetes = self.inventory.kubernetes
        return kubernetes.kubeadm if kubernetes else Kubeadm()

    @property
    def software(self) -> tuple[Software, ...]:
        """All software for the roles of the host, except what the machine below a container provides."""
        below = ("kmod", TIME_SERVICE) if self.facts.container else ()
        return tuple(one for one in software_of(self.inventory, self.layout, self.host) if one.name not in below)

    @property
    def missing(self) -> tuple[Software, ...]:
        """Software that is not installed."""
        return tuple(one for one in self.software if not self._is_installed(one))

    def _is_installed(self, one: Software) -> bool:
        if one.name == TIME_SERVICE and self.facts.time_service:
            return True
        if one.name == "containerd" and self.facts.runtime is not None:
            return True
        return all(self.facts.program(program) for program in one.programs)

    def release_of(self, one: Software) -> Release | None:
        """The release in the inventory that provides it, if any."""
        return getattr(self.inventory.preparation.releases, one.release, None) if one.release else None

    def package_of(self, one: Software) -> str:
        """Its package on this host; empty if no package has it, or a release provides it."""
        if self.release_of(one) is not None:
            return ""
        return one.apt if self.facts.tool is PackageTool.APT else one.rpm

    @property
    def packages(self) -> tuple[tuple[str, Software], ...]:
        """The packages to install, with what they are for."""
        pairs = ((self.package_of(one), one) for one in self.missing)
        return tuple((name, one) for name, one in pairs if name)

    @property
    def swap_on(self) -> bool:
        """Whether swap keeps kubelet from starting, now or after a reboot."""
        allowed = (self.kubeadm.kubelet or {}).get("failSwapOn") is False or self.ignores("Swap")
        return self.node and not allowed and not self.facts.container and bool(self.facts.swap or self.facts.swap_lines)

    def ignores(self, check: str) -> bool:
        """Whether the inventory has kubeadm ignore this preflight check."""
        return bool({check, "all"} & set(self.kubeadm.ignore_preflight_errors))

    @property
    def sysctls(self) -> tuple[tuple[str, str], ...]:
        """The kernel settings that nodes need; in a container only those that it has."""
        if not self.node:
            return ()
        return tuple(
            (name, value)
            for name, value in SYSCTLS
            if not self.ignores(f"FileContent--proc-sys-{name.replace('.', '-')}")
            and (not self.facts.container or self.facts.sysctl(name))
        )

    @property
    def wrong_sysctls(self) -> tuple[str, ...]:
        return tuple(name for name, value in self.sysctls if self.facts.sysctl(name) != value)

    @property
    def closed_ports(self) -> tuple[str, ...]:
        """Ports that the active firewall does not let in."""
        if self.facts.firewall is FirewallTool.NONE:
            return ()
        return tuple(port for port in ports_of(self.inventory, self.layout, self.host) if not self._is_open(port))

    def _is_open(self, port: str) -> bool:
        return any(_covers(rule, port) for rule in self.facts.open_ports)

    @property
    def driver(self) -> CgroupDriver:
        return self.kubeadm.cgroup_driver

    @property
    def uses_containerd(self) -> bool:
        """Whether containerd is the runtime; another runtime that exists is kept."""
        runtime = self.facts.runtime
        socket = self.kubeadm.cri_socket or ""
        ours = not socket or socket.endswith("/containerd.sock")
        return self.node and ours and (runtime is None or runtime.name == "containerd")

    @property
    def image(self) -> str:
        return sandbox_image(self.inventory)

    @property
    def cni_folder(self) -> str:
        """The folder of CNI plug-ins by the inventory; empty if it is found on the host, once they are installed."""
        return self.inventory.preparation.runtime.cni_dir or ""

    @property
    def runtime_problems(self) -> tuple[str, ...]:
        """Settings of an existing containerd that contradict kubelet."""
        runtime = self.facts.runtime
        if not self.uses_containerd or runtime is None:
            return ()
        problems = []
        if runtime.cri_disabled:
            problems.append("its CRI plugin is disabled")
        if runtime.cgroup_driver and runtime.cgroup_driver != self.driver:
            problems.append(f"its cgroup driver is {runtime.cgroup_driver}, and kubelet's is {self.driver}")
        if not runtime.socket:
            problems.append("it does not run")
        return tuple(problems)

    @property
    def selinux_blocks(self) -> bool:
        permissive = self.inventory.preparation.selinux is SelinuxMode.PERMISSIVE
        return self.node and permissive and self.facts.selinux == "enforcing"

    @property
    def blocking(self) -> tuple[str, ...]:
        """Reasons why bootstrap would fail, as phrases with the fix; empty if the host is ready."""
        fixes = list(self._sources(one for one in self.missing if one.name not in OPTIONAL))
        if self.swap_on:
            devices = ", ".join(self.facts.swap) or "after a reboot"
            fixes.append(f"swap is on ({devices}): to be turned off, in fstab too")
        fixes += [
            f"{name} is {self.facts.sysctl(name) or 'absent'}: to be set to 1"
            for name in self.wrong_sysctls
            if name != UNCHECKED
        ]
        fixes += [f"containerd: {problem}: to be corrected" for problem in self.runtime_problems]
        if self.selinux_blocks:
            fixes.append("SELinux is enforcing: to be set to permissive")
        if self.closed_ports:
            verb = "to be opened" if self.opens_ports else "open them by hand"
            fixes.append(f"{self.facts.firewall} closes {', '.join(self.closed_ports)}: {verb}")
        return tuple(fixes)

    @property
    def opens_ports(self) -> bool:
        return self.inventory.preparation.firewall and self.facts.firewall is not FirewallTool.IPTABLES

    @property
    def optional(self) -> tuple[str, ...]:
        """Missing software that bootstrap works without."""
        return self._sources(one for one in self.missing if one.name in OPTIONAL)

    def _sources(self, products: Iterable[Software]) -> tuple[str, ...]:
        """The missing products of each source in one phrase."""
        names: dict[str, list[str]] = {}
        for one in products:
            names.setdefault(self._source(one), []).append(one.name)
        return tuple(
            f"{', '.join(some)} {'is' if len(some) == 1 else 'are'} missing: {source}" for source, some in names.items()
        )

    def _source(self, one: Software) -> str:
        """Where the software comes from, as a phrase."""
        release, package = self.release_of(one), self.package_of(one)
        if release is not None:
            return f"to be installed from {release.path}"
        if not package:
            return "no source is known"
        if self.inventory.preparation.packages:
            return f"to be installed from {self.inventory.preparation.packages} or the repositories"
        return "to be installed from the repositories"

    @property
    def refusals(self) -> tuple[str, ...]:
        """Reasons why this host cannot be prepared, each with the way out."""
        name = self.host.name
        if self.facts.tool is PackageTool.NONE and self.packages:
            return (f"{name} has neither apt, dnf nor yum ({self.facts.name}): install its software by hand",)
        return (*self._without_source(), *self._other_versions())

    def _without_source(self) -> tuple[str, ...]:
        reasons = []
        for one in self.missing:
            package = self.package_of(one)
            if self.release_of(one) is None and not package:
                key = f"preparation.releases.{one.release}"
                reasons.append(f"{self.host.name}: {one.name} is missing, and no package has it: set {key}")
            elif package and not self._may_be_offered(package):
                fix = "name a repository in preparation.repositories, or a folder in preparation.packages"
                reasons.append(f"{self.host.name}: {one.name} is missing, and apt offers no package {package}: {fix}")
        return tuple(reasons)

    def _may_be_offered(self, package: str) -> bool:
        settings, state = self.inventory.preparation, self.facts.package(package)
        added = settings.packages or any(one.apt for one in settings.repositories)
        known = self.facts.tool is PackageTool.APT and self.facts.lists
        return bool(added) or not known or bool(state and state.candidate)

    def _other_versions(self) -> tuple[str, ...]:
        reasons = []
        for one in self.software:
            program = self.facts.program(one.programs[0])
            if not one.version or program is None or not program.version:
                continue
            if not f"{program.version}.".startswith(f"{one.version}."):
                key = "etcd.version" if one.name == "etcd" else "kubernetes.version"
                reasons.append(
                    f"{self.host.name}: {one.name} is {program.version}, and {key} is {one.version}: existing "
                    f"installations are kept; upgrade this one, or change {key}"
                )
        return tuple(reasons)


def _covers(rule: str, port: str) -> bool:
    """Whether an open port or range of ports includes `port`."""
    if rule == port:
        return True
    numbers, _, protocol = rule.partition("/")
    own_numbers, _, own_protocol = port.partition("/")
    if protocol != own_protocol or not own_protocol:
        return False
    low, _, high = numbers.partition("-")
    first, _, last = own_numbers.partition("-")
    return int(low) <= int(first) and int(last or first) <= int(high or low)
