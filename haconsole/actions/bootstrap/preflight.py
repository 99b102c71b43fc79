"""Checks every host before anything is changed on any."""

from __future__ import annotations

from collections.abc import Sequence

from haconsole.actions.bootstrap import scripts
from haconsole.actions.bootstrap.ground import Ground, Part
from haconsole.actions.bootstrap.programs import programs
from haconsole.actions.bootstrap.refuse import lost_members
from haconsole.actions.build import look_step, script
from haconsole.actions.checks import Check, EtcdHealthy
from haconsole.actions.step import Step
from haconsole.configs.owner import owner_line
from haconsole.inventory.schema import Host

PHASE = "preflight"
SPARE_KIB = 1 << 20
"""Beside the data: a snapshot being written, the write-ahead log."""


def preflight(found: Ground) -> tuple[Step, ...]:
    """The checks that must pass on every host before the first change."""
    return tuple(step for host in found.hosts for step in _on(found, host)) + _needed_etcd(found)


def _on(found: Ground, host: Host) -> tuple[Step, ...]:
    looks = (
        ("preflight.programs", "Check that programs are installed", PROGRAMS_WHY, programs(found, host)),
        ("preflight.ports", "Check that ports are free", PORTS_WHY, _ports(found, host)),
        ("preflight.disk", "Check disk space for etcd's data", DISK_WHY, _disk(found, host)),
        ("preflight.leftovers", "Check for leftovers of another cluster", LEFTOVERS_WHY, _leftovers(found, host)),
        ("preflight.reach", "Check connections to the other hosts", REACH_WHY, _reach(found, host)),
    )
    return tuple(
        look_step(what, host.name, checks, title=title, why=why, phase=PHASE)
        for what, title, why, checks in looks
        if checks
    )


PROGRAMS_WHY = "haconsole installs no software: the programs must be installed, in a version that is known to work."
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
    "between them is found now, not later as a cluster that never becomes ready."
)


def ports_of(found: Ground, part: Part) -> tuple[tuple[int, str], ...]:
    """The ports that `part` listens on, and the unit that does."""
    places, etcd = found.layout, found.layout.etcd
    match part:
        case Part.ETCD:
            ports = tuple(port for port in (etcd.client_port, etcd.peer_port, etcd.metrics_port) if port)
            return tuple((port, etcd.unit or "kubelet.service") for port in ports)
        case Part.HAPROXY if places.haproxy:
            return ((places.haproxy.bind_port, places.haproxy.unit), (places.haproxy.health_port, places.haproxy.unit))
        case Part.KUBERNETES if places.kubernetes:
            return tuple(
                (component.port, component.unit or "kubelet.service") for component in places.kubernetes.components
            )
        case _:
            return ()


def _ports(found: Ground, host: Host) -> tuple[Check, ...]:
    parts = found.parts_on(host)
    wanted = [f"{port}={unit}" for part in parts for port, unit in ports_of(found, part)]
    otherwise = "a required port is in use; stop the program that uses it, or choose another port in the inventory"
    means = "each port is free, or used by its unit: " + ", ".join(word.replace("=", " ") for word in wanted)
    free = (script(scripts.PORTS, "ports", *wanted, means=means, otherwise=otherwise),) if wanted else ()
    return (*free, *(_allowed(part.value) for part in (Part.HAPROXY, Part.KEEPALIVED) if part in parts))


def _allowed(program: str) -> Check:
    """The ports of a balancer that SELinux does not allow by default; it confines the program to web ports."""
    boolean = f"{program}_connect_any"
    means = f"SELinux, if enforcing, lets {program} use these ports"
    otherwise = f"SELinux keeps {program} from the ports it needs; allow it: setsebool -P {boolean} on"
    return script(scripts.CONFINED, "confined", boolean, means=means, otherwise=otherwise)


def _disk(found: Ground, host: Host) -> tuple[Check, ...]:
    if Part.ETCD not in found.parts_on(host):
        return ()
    etcd = found.layout.etcd
    wanted = found.inventory.etcd.quota_bytes // 1024 + SPARE_KIB
    otherwise = (
        f"{etcd.data_dir} has too little free space for etcd.quota_bytes plus 1 GiB; free some, or lower the quota"
    )
    means = f"{wanted >> 10} MiB free for {etcd.data_dir}, unless a member already runs there"
    words = (etcd.data_dir, str(wanted), etcd.member_dir)
    return (script(scripts.DISK, "disk", *words, means=means, otherwise=otherwise),)


def _leftovers(found: Ground, host: Host) -> tuple[Check, ...]:
    parts, places, mark = found.parts_on(host), found.layout, owner_line(found.inventory)
    checks: list[Check] = []
    if Part.ETCD in parts:
        checks += _etcd_leftovers(found, host, mark)
    files = _files_to_own(found, parts)
    if files:
        otherwise = "not set up by this cluster's bootstrap; stop the service and rename these files"
        means = f"absent, or marked as this cluster's: {', '.join(files)}"
        checks.append(script(scripts.FOREIGN_FILES, "files", mark, *files, means=means, otherwise=otherwise))
    if Part.HAPROXY in parts and places.haproxy:
        checks.append(
            _foreign_service(mark, places.haproxy.unit, places.haproxy.config_file, "^(frontend|listen|backend) ")
        )
    if Part.KEEPALIVED in parts and places.keepalived:
        shows = "^(vrrp_instance|virtual_server)"
        checks.append(_foreign_service(mark, places.keepalived.unit, places.keepalived.config_file, shows))
    return tuple(checks)


def _files_to_own(found: Ground, parts: tuple[Part, ...]) -> tuple[str, ...]:
    """Files that, without this cluster's mark, prove another installation."""
    kubernetes = found.layout.kubernetes
    files: list[str | None] = [found.layout.etcd.unit_file] if Part.ETCD in parts else []
    if Part.KUBERNETES in parts and kubernetes:
        files += [component.unit_file for component in kubernetes.components]
        files += [f"{kubernetes.config_dir}/manifests/{component.name}.yaml" for component in kubernetes.components]
    return tuple(file for file in files if file)


def _etcd_leftovers(found: Ground, host: Host, mark: str) -> tuple[Check, ...]:
    etcd = found.layout.etcd
    data, config = etcd.member_dir, etcd.env_file or ""
    foreign = (
        f"{data} holds data of an etcd member, and {config} does not mark it as part of cluster "
        f"{found.inventory.cluster}; if it is not needed: systemctl stop etcd; mv {data} {data}.old"
    )
    own = f"no data in {data} except this cluster's"
    checks: list[Check] = [script(scripts.FOREIGN_DATA, "data", data, config, mark, means=own, otherwise=foreign)]
    if any(row.host == host.name for row in lost_members(found)):
        lost = f"{data} is absent, but etcd lists this host as a member that has run: it lost its data; run replace"
        checks.append(script(scripts.DATA_THERE, "data", data, means=f"the member's data in {data}", otherwise=lost))
    return tuple(checks)


def _foreign_service(mark: str, unit: str, config: str, shows: str) -> Check:
    otherwise = f"{unit} runs with a {config} that serves something else; move that to another host, or stop {unit}"
    means = f"{unit} serves only this cluster"
    return script(scripts.FOREIGN_SERVICE, "service", mark, unit, config, shows, means=means, otherwise=otherwise)


def _reach(found: Ground, host: Host) -> tuple[Check, ...]:
    words = [
        word
        for part in found.parts_on(host)
        for other, port in _talks_to(found, part)
        if other.name != host.name
        for word in (other.address, str(port), other.name)
    ]
    if not words:
        return ()
    otherwise = (
        "another host does not answer; open the port between them (firewall, security group), or correct the address"
    )
    once = _once(words)
    ports = {name: [port for _, port, other in _triples(once) if other == name] for name in once[2::3]}
    means = "; ".join(f"{name} answers on {', '.join(numbers)}" for name, numbers in ports.items())
    return (script(scripts.REACH, "reach", *once, means=means, otherwise=otherwise),)


def _talks_to(found: Ground, part: Part) -> tuple[tuple[Host, int], ...]:
    etcd, haproxy, kubernetes = found.layout.etcd, found.layout.haproxy, found.layout.kubernetes
    match part:
        case Part.ETCD:
            return tuple((host, etcd.peer_port) for host in found.etcd)
        case Part.HAPROXY if kubernetes:
            return tuple((host, kubernetes.api_port) for host in found.control_planes)
        case Part.KUBERNETES:
            through = tuple((host, haproxy.bind_port) for host in found.balancers) if haproxy else ()
            return (*((host, etcd.client_port) for host in found.etcd), *through)
        case _:
            return ()


def _once(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for triple in dict.fromkeys(_triples(words)) for word in triple)


def _triples(words: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    return tuple(zip(words[::3], words[1::3], words[2::3], strict=True))


def _needed_etcd(found: Ground) -> tuple[Step, ...]:
    """If only the control plane is requested, etcd must already exist."""
    if Part.KUBERNETES not in found.parts or Part.ETCD in found.parts:
        return ()
    voters = len(found.etcd)
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
        for host in found.etcd
    )
