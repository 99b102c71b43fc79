"""Platforms of bare hosts, and of hosts that are ready, for planners."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.configs.layout import layout
from haconsole.configs.software import MODULES, SYSCTLS, software_of
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import HostFacts, Reach
from haconsole.model.observed import Known
from haconsole.model.platform import FirewallTool, PackageState, PackageTool, PlatformFacts, ProgramState, RuntimeState
from haconsole.model.snapshot import ClusterSnapshot

OFF = (("net.ipv4.ip_forward", "0"),)
DEBIAN_12 = PlatformFacts(
    os="debian", version="12", name="Debian GNU/Linux 12 (bookworm)", tool=PackageTool.APT, lists=False, sysctls=OFF
)
DEBIAN_13 = replace(DEBIAN_12, version="13", name="Debian GNU/Linux 13 (trixie)", time_service="systemd-timesyncd")
UBUNTU = PlatformFacts(
    os="ubuntu",
    version="24.04",
    name="Ubuntu 24.04.1 LTS",
    tool=PackageTool.APT,
    packages=tuple(
        PackageState(name, candidate="1")
        for name in ("haproxy", "keepalived", "containerd", "conntrack", "iptables", "ethtool", "socat")
    ),
    programs=tuple(ProgramState(name, f"/usr/bin/{name}") for name in ("ip", "ss", "modprobe", "openssl")),
    swap=("/swap.img",),
    swap_lines=("/swap.img none swap sw 0 0",),
    sysctls=OFF,
    firewall=FirewallTool.UFW,
    open_ports=("22/tcp", "6443/tcp"),
    time_service="systemd-timesyncd",
)
ROCKY = PlatformFacts(
    os="rocky",
    version="9.4",
    name="Rocky Linux 9.4 (Blue Onyx)",
    tool=PackageTool.DNF,
    programs=tuple(ProgramState(name, f"/usr/sbin/{name}") for name in ("ip", "ss", "modprobe", "openssl")),
    swap=("/dev/dm-1",),
    swap_lines=("/dev/mapper/rl-swap none swap defaults 0 0",),
    swap_units=("dev-dm\\x2d1.swap",),
    sysctls=OFF,
    selinux="enforcing",
    firewall=FirewallTool.FIREWALLD,
    open_ports=("30000-40000/tcp",),
    time_service="chronyd",
)


def ready(inventory: Inventory, host: Host) -> PlatformFacts:
    """A host with all that its roles need."""
    products = software_of(inventory, layout(inventory), host)
    version = {one.name: one.version or "1.0.0" for one in products}
    return PlatformFacts(
        os="debian",
        version="12",
        name="Debian GNU/Linux 12 (bookworm)",
        tool=PackageTool.APT,
        programs=tuple(
            ProgramState(program, program if "/" in program else f"/usr/bin/{program}", version[one.name])
            for one in products
            for program in one.programs
        ),
        runtime=RuntimeState("containerd", "/run/containerd/containerd.sock", True, "systemd"),
        modules=MODULES,
        sysctls=SYSCTLS,
        time_service="chrony",
    )


def with_platforms(
    snapshot: ClusterSnapshot, inventory: Inventory, platforms: dict[str, PlatformFacts]
) -> ClusterSnapshot:
    """The snapshot with these platforms; hosts without one are ready."""

    def of(facts: HostFacts) -> HostFacts:
        host = inventory.find(facts.host)
        assert host is not None
        platform = platforms.get(facts.host) or ready(inventory, host)
        at = snapshot.observed_at
        return replace(facts, platform=Known(platform, at), reach=Known(Reach(1.0), at))

    return replace(snapshot, hosts=tuple(of(facts) for facts in snapshot.hosts))
