"""The needs of a host, by the facts of its platform: software with its source, settings, and ports. No I/O."""

from __future__ import annotations

import msgspec

from haconsole.configs.layout import Layout
from haconsole.configs.software import SYSCTLS, TIME_SERVICE, Software, ports_of, runs_node, sandbox_image, software_of
from haconsole.inventory.component_settings import CgroupDriver, Kubeadm
from haconsole.inventory.preparation import Release, SelinuxMode
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.platform import FirewallTool, PackageTool, PlatformFacts, RuntimeState


class KernelNeeds(msgspec.Struct, frozen=True):
    """Settings of the system on a host that will run kubelet."""

    kubeadm: Kubeadm
    selinux: SelinuxMode
    facts: PlatformFacts

    @property
    def swap_on(self) -> bool:
        """Whether swap keeps kubelet from starting, now or after a reboot."""
        allowed = (self.kubeadm.kubelet or {}).get("failSwapOn") is False or self._ignores("Swap")
        return not allowed and not self.facts.container and bool(self.facts.swap or self.facts.swap_lines)

    @property
    def sysctls(self) -> tuple[tuple[str, str], ...]:
        """The kernel settings that nodes need; in a container only those that it has."""
        return tuple(
            (name, value)
            for name, value in SYSCTLS
            if not self._ignores(f"FileContent--proc-sys-{name.replace('.', '-')}")
            and (not self.facts.container or self.facts.sysctl(name))
        )

    @property
    def wrong_sysctls(self) -> tuple[str, ...]:
        return tuple(name for name, value in self.sysctls if self.facts.sysctl(name) != value)

    @property
    def selinux_blocks(self) -> bool:
        return self.selinux is SelinuxMode.PERMISSIVE and self.facts.selinux == "enforcing"

    def _ignores(self, check: str) -> bool:
        """Whether the inventory has kubeadm ignore this preflight check."""
        return bool({check, "all"} & set(self.kubeadm.ignore_preflight_errors))


class RuntimeNeeds(msgspec.Struct, frozen=True):
    """Settings of containerd, and the runtime that exists already."""

    existing: RuntimeState | None
    driver: CgroupDriver
    image: str
    """The sandbox image; empty if the runtime's own is kept."""
    cni_folder: str
    """Empty if it is found on the host."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Settings of an existing containerd that contradict kubelet."""
        existing = self.existing
        if existing is None:
            return ()
        problems = []
        if existing.cri_disabled:
            problems.append("its CRI plugin is disabled")
        if existing.cgroup_driver and existing.cgroup_driver != self.driver:
            problems.append(f"its cgroup driver is {existing.cgroup_driver}, and kubelet's is {self.driver}")
        if not existing.socket:
            problems.append("it does not run")
        return tuple(problems)


class HostNeeds(msgspec.Struct, frozen=True):
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
    def kernel(self) -> KernelNeeds | None:
        """None where kubelet will not run."""
        return KernelNeeds(self.kubeadm, self.inventory.preparation.selinux, self.facts) if self.node else None

    @property
    def runtime(self) -> RuntimeNeeds | None:
        """None where containerd is not the runtime: another runtime that exists is kept."""
        existing, socket = self.facts.runtime, self.kubeadm.cri_socket or ""
        ours = not socket or socket.endswith("/containerd.sock")
        if not self.node or not ours or (existing is not None and existing.name != "containerd"):
            return None
        return RuntimeNeeds(existing, self.kubeadm.cgroup_driver, sandbox_image(self.inventory), self.cni_folder)

    @property
    def cni_folder(self) -> str:
        """The folder of CNI plug-ins by the inventory; empty if it is found on the host, once they are installed."""
        return self.inventory.preparation.runtime.cni_dir or ""

    @property
    def closed_ports(self) -> tuple[str, ...]:
        """Ports that the active firewall does not let in."""
        if self.facts.firewall is FirewallTool.NONE:
            return ()
        return tuple(port for port in ports_of(self.inventory, self.layout, self.host) if not self._is_open(port))

    def _is_open(self, port: str) -> bool:
        return any(_covers(rule, port) for rule in self.facts.open_ports)

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
