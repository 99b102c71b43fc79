"""The needs of a host, by the facts of its platform: software with its source, settings, and ports. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.configs.layout import Layout
from haconsole.configs.software import SYSCTLS, TIME_SERVICE, Software, ports_of, runs_node, sandbox_image, software_of
from haconsole.inventory.component_settings import CgroupDriver, Kubeadm
from haconsole.inventory.preparation import Release, SelinuxMode
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.platform import FirewallTool, PackageTool, PlatformFacts


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
    def opens_ports(self) -> bool:
        return self.inventory.preparation.firewall and self.facts.firewall is not FirewallTool.IPTABLES


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
