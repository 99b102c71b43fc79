"""The checks of a bootstrap on every host, before any host is changed."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from haconsole.actions.bootstrap import scripts
from haconsole.actions.bootstrap.programs import programs
from haconsole.actions.bootstrap.refuse import lost_members
from haconsole.actions.build import look_step, script
from haconsole.actions.checks import Check, EtcdHealthy
from haconsole.actions.plan_context import BootstrapPart, PlanContext
from haconsole.actions.step import Step
from haconsole.configs.etcd_pods import member_file
from haconsole.configs.owner import owner_line
from haconsole.inventory.schema import DiscoveryKind, Host, Kubernetes
from haconsole.model.etcd_view import etcd_view

PHASE = "preflight"
SPARE_KIB = 1 << 20
"""Beside the data: a snapshot being written, the write-ahead log."""


def preflight(ctx: PlanContext) -> tuple[Step, ...]:
    """The checks that must pass on every host before the first change."""
    return tuple(step for host in ctx.hosts for step in _on(ctx, host)) + etcd_for_kubernetes(ctx)


def _on(ctx: PlanContext, host: Host) -> tuple[Step, ...]:
    looks = (
        ("preflight.programs", "Check that programs are installed", PROGRAMS_WHY, programs(ctx, host)),
        ("preflight.ports", "Check that ports are free", PORTS_WHY, _ports(ctx, host)),
        ("preflight.disk", "Check disk space for etcd's data", DISK_WHY, _disk(ctx, host)),
        ("preflight.leftovers", "Check for leftovers of another cluster", LEFTOVERS_WHY, _leftovers(ctx, host)),
        ("preflight.reach", "Check connections to the other hosts", REACH_WHY, _reach(ctx, host)),
    )
    return tuple(
        look_step(what, host.name, checks, title=title, why=why, phase=PHASE)
        for what, title, why, checks in looks
        if checks
    )


PROGRAMS_WHY = (
    "The programs must be installed, in a version that is known to work. The action prepare installs missing ones."
)
PORTS_WHY = (
    "A service cannot start on a port that another program uses. A port used by this cluster's own service is fine."
)
DISK_WHY = "etcd refuses writes when its disk is full, and its data may grow up to the quota."
LEFTOVERS_WHY = (
    "Data or services of another cluster must not be mixed with this one or overwritten. Leftovers of this "
    "cluster's own bootstrap are reused."
)
REACH_WHY = (
    "Members replicate to each other, API servers connect to etcd and balancers to API servers. A firewall "
    "that blocks them is found now, not later when the cluster never becomes ready."
)


def ports_of(ctx: PlanContext, part: BootstrapPart) -> tuple[tuple[int, str], ...]:
    """The ports that `part` listens on, and the unit that does."""
    places, etcd = ctx.layout, ctx.layout.etcd
    match part:
        case BootstrapPart.ETCD:
            ports = tuple(port for port in (etcd.client_port, etcd.peer_port, etcd.metrics_port) if port)
            return tuple((port, etcd.unit or "kubelet.service") for port in ports)
        case BootstrapPart.HAPROXY if places.haproxy:
            return ((places.haproxy.bind_port, places.haproxy.unit), (places.haproxy.health_port, places.haproxy.unit))
        case BootstrapPart.KUBERNETES if places.kubernetes:
            return tuple(
                (component.port, component.unit or "kubelet.service") for component in places.kubernetes.components
            )
        case _:
            return ()


def _ports(ctx: PlanContext, host: Host) -> tuple[Check, ...]:
    parts = ctx.parts_on(host)
    port_words = [f"{port}={unit}" for part in parts for port, unit in ports_of(ctx, part)]
    problem = "a required port is in use; stop the program that uses it, or choose another port in the inventory"
    means = "each port is free, or used by its unit: " + ", ".join(word.replace("=", " ") for word in port_words)
    free = (script(scripts.PORTS, "ports", *port_words, means=means, problem=problem),) if port_words else ()
    return (
        *free,
        *(_selinux_allows(part.value) for part in (BootstrapPart.HAPROXY, BootstrapPart.KEEPALIVED) if part in parts),
    )


def _selinux_allows(program: str) -> Check:
    """The ports of a balancer that SELinux does not allow by default; it confines the program to web ports."""
    boolean = f"{program}_connect_any"
    means = f"SELinux, if enforcing, lets {program} use these ports"
    problem = f"SELinux denies {program} the ports that it needs; allow them: setsebool -P {boolean} on"
    return script(scripts.CONFINED, "confined", boolean, means=means, problem=problem)


def _disk(ctx: PlanContext, host: Host) -> tuple[Check, ...]:
    if BootstrapPart.ETCD not in ctx.parts_on(host):
        return ()
    etcd = ctx.layout.etcd
    needed_kib = ctx.inventory.etcd.quota_bytes // 1024 + SPARE_KIB
    problem = (
        f"{etcd.data_dir} has too little free space for etcd.quota_bytes plus 1 GiB; free up space, or lower the quota"
    )
    means = f"{needed_kib >> 10} MiB free for {etcd.data_dir}, unless a member already runs there"
    words = (etcd.data_dir, str(needed_kib), etcd.member_dir)
    return (script(scripts.DISK, "disk", *words, means=means, problem=problem),)


def _leftovers(ctx: PlanContext, host: Host) -> tuple[Check, ...]:
    parts, places, mark = ctx.parts_on(host), ctx.layout, owner_line(ctx.inventory)
    checks: list[Check] = []
    if BootstrapPart.ETCD in parts:
        checks += _etcd_leftovers(ctx, host, mark)
    files = _files_to_own(ctx, parts)
    if files:
        problem = "files that this cluster's bootstrap did not write; stop their service and rename them"
        means = f"these files are absent, or marked as this cluster's: {', '.join(files)}"
        checks.append(script(scripts.FOREIGN_FILES, "files", mark, *files, means=means, problem=problem))
    if BootstrapPart.HAPROXY in parts and places.haproxy:
        checks.append(
            _foreign_service(mark, places.haproxy.unit, places.haproxy.config_file, "^(frontend|listen|backend) ")
        )
    if BootstrapPart.KEEPALIVED in parts and places.keepalived:
        shows = "^(vrrp_instance|virtual_server)"
        checks.append(_foreign_service(mark, places.keepalived.unit, places.keepalived.config_file, shows))
    return tuple(checks)


def _files_to_own(ctx: PlanContext, parts: tuple[BootstrapPart, ...]) -> tuple[str, ...]:
    """Files that, without this cluster's mark, prove another installation."""
    kubernetes = ctx.layout.kubernetes
    files: list[str | None] = [ctx.layout.etcd.unit_file] if BootstrapPart.ETCD in parts else []
    if BootstrapPart.KUBERNETES in parts and kubernetes:
        files += [component.unit_file for component in kubernetes.components]
        files += [f"{kubernetes.config_dir}/manifests/{component.name}.yaml" for component in kubernetes.components]
    return tuple(file for file in files if file)


def _etcd_leftovers(ctx: PlanContext, host: Host, mark: str) -> tuple[Check, ...]:
    etcd = ctx.layout.etcd
    data, config = etcd.member_dir, etcd.env_file or member_file(ctx.inventory.kubernetes or Kubernetes())
    is_listed = any(row.host == host.name and row.member.client_urls for row in etcd_view(ctx.snapshot).members)
    way_out = (
        f"etcd lists {host.name} as a member, so keep the data: write {config} like another member's, with this "
        "host's name and addresses, and start etcd"
        if is_listed
        else f"if it is not needed: systemctl stop etcd; mv {data} {data}.old"
    )
    foreign = (
        f"{data} contains data of an etcd member, and {config} does not mark it as part of cluster "
        f"{ctx.inventory.cluster}; {way_out}"
    )
    own = f"no data in {data} except this cluster's"
    checks: list[Check] = [script(scripts.FOREIGN_DATA, "data", data, config, mark, means=own, problem=foreign)]
    if any(row.host == host.name for row in lost_members(ctx)):
        lost_data = (
            f"{data} is absent, but etcd lists this host as a started member: the member's data is lost; "
            f"run rejoin {host.name}"
        )
        checks.append(script(scripts.DATA_THERE, "data", data, means=f"the member's data in {data}", problem=lost_data))
    return tuple(checks)


def _foreign_service(mark: str, unit: str, config: str, shows: str) -> Check:
    problem = (
        f"{unit} runs with a {config} that serves other services; move these services to another host, or stop {unit}"
    )
    means = f"{unit} serves only this cluster"
    return script(scripts.FOREIGN_SERVICE, "service", mark, unit, config, shows, means=means, problem=problem)


def _reach(ctx: PlanContext, host: Host) -> tuple[Check, ...]:
    words = [
        word
        for part in ctx.parts_on(host)
        for other, port in _talks_to(ctx, part)
        if other.name != host.name
        for word in (other.address, str(port), other.name)
    ] + _discovery(ctx, host)
    if not words:
        return ()
    problem = "another host does not answer; open its port (firewall, security group), or correct its address"
    once = _once(words)
    ports = {name: [port for _, port, other in _triples(once) if other == name] for name in once[2::3]}
    means = "; ".join(f"{name} answers on port {', '.join(numbers)}" for name, numbers in ports.items())
    return (script(scripts.REACH, "reach", *once, means=means, problem=problem),)


def _discovery(ctx: PlanContext, host: Host) -> list[str]:
    """The discovery service, which only a first start needs."""
    discovery = ctx.inventory.etcd.discovery
    founds = BootstrapPart.ETCD in ctx.parts_on(host) and not etcd_view(ctx.snapshot).members
    if discovery.kind is not DiscoveryKind.URL or not founds:
        return []
    url = urlsplit(discovery.value or "")
    return [url.hostname or "", str(url.port or (443 if url.scheme == "https" else 80)), "the discovery service"]


def _talks_to(ctx: PlanContext, part: BootstrapPart) -> tuple[tuple[Host, int], ...]:
    etcd, haproxy, kubernetes = ctx.layout.etcd, ctx.layout.haproxy, ctx.layout.kubernetes
    match part:
        case BootstrapPart.ETCD:
            return tuple((host, etcd.peer_port) for host in ctx.etcd)
        case BootstrapPart.HAPROXY if kubernetes:
            return tuple((host, kubernetes.api_port) for host in ctx.control_planes)
        case BootstrapPart.KUBERNETES:
            through = tuple((host, haproxy.bind_port) for host in ctx.balancers) if haproxy else ()
            return (*((host, etcd.client_port) for host in ctx.etcd), *through)
        case _:
            return ()


def _once(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for triple in dict.fromkeys(_triples(words)) for word in triple)


def _triples(words: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    return tuple(zip(words[::3], words[1::3], words[2::3], strict=True))


def etcd_for_kubernetes(ctx: PlanContext) -> tuple[Step, ...]:
    """If only the control plane is requested, etcd must already exist."""
    if BootstrapPart.KUBERNETES not in ctx.parts or BootstrapPart.ETCD in ctx.parts:
        return ()
    voters = len(ctx.etcd)
    why = "The control plane stores all its state in etcd, which this run does not set up."
    return tuple(
        look_step(
            "preflight.etcd",
            host.name,
            (EtcdHealthy(voters),),
            title="Verify that etcd is healthy",
            why=why,
            phase=PHASE,
        )
        for host in ctx.etcd
    )
