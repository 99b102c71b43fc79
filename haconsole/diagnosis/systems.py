"""Rules about hosts' names, neighbour tables and the configuration that programs really loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, anywhere, on
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Known, value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import ConfigCheck, Neighbour, SystemFacts
from haconsole.model.vip_view import hardware_of, vip_views

SETTLED = timedelta(seconds=3)
"""The time that neighbours have to learn a VIP's new owner."""
GRACE = timedelta(seconds=1)
"""systemd and file systems record times in whole seconds."""
LASTING = ("PERMANENT", "NOARP")
"""States of an entry that the kernel never changes itself."""
UNUSED = ("FAILED", "INCOMPLETE", "NONE")
"""States of a neighbour entry that no frame is sent by."""


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Candidates about names that two hosts share, about VIPs' neighbour entries, and about loaded configurations."""
    yield from _shared_names(snapshot)
    yield from _neighbours(snapshot)
    yield from _shared_addresses(snapshot)
    yield from _packet_sizes(snapshot)
    for facts in snapshot.hosts:
        yield from _stale_configurations(facts)
        for check in value_of(facts.configs) or ():
            if not check.valid:
                yield _invalid(facts, check)


def _shared_names(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    by_name: dict[str, list[HostName]] = {}
    by_machine: dict[str, list[HostName]] = {}
    for facts in snapshot.hosts:
        system = value_of(facts.system)
        if system and facts.roles != (Role.BASTION,):
            by_name.setdefault(system.hostname.lower(), []).append(facts.host)
            by_machine.setdefault(system.machine_id, []).append(facts.host)
    for name, hosts in by_name.items():
        if name and len(hosts) > 1:
            ordered = sorted(hosts, key=lambda host: host.lower() != name)
            why = (
                "Lease holders and nodes are known by their hostnames, so two hosts with the same name are "
                "taken for one."
            )
            first = call(
                "repair", "set the hostname to the name in /etc/hostname again", setting="hostname", host=ordered[-1]
            )
            yield _shared(ordered, f"hostname {name}", why, "hostnamectl set-hostname NAME", first)
    for machine, hosts in by_machine.items():
        if machine and len(hosts) > 1:
            why = "DHCP and kubelet distinguish hosts by the machine-id."
            yield _shared(
                hosts, f"machine-id {machine[:8]}…", why, "remove /etc/machine-id, run systemd-machine-id-setup"
            )


def _shared(hosts: list[HostName], what: str, why: str, by_hand: str, *first: Remedy) -> Candidate:
    """The last host is to be changed: by the remedies in `first`, or by hand."""
    names = " and ".join(hosts)
    return Candidate(
        Finding(
            "host.duplicate-name",
            Severity.WARNING,
            hosts[-1],
            f"{names} have the same {what}",
            f"Clones of one image have the same hostname and machine-id. {why}",
            (),
            (*first, advice(f"on {hosts[-1]}: {by_hand}, then restart this host's components")),
        )
    )


def _shared_addresses(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """A host that has another host's address on an interface."""
    by_address = {facts.address: facts.host for facts in snapshot.hosts}
    for facts in snapshot.hosts:
        for entry in value_of(facts.addresses) or ():
            other = by_address.get(entry.address, facts.host)
            if other == facts.host:
                continue
            yield Candidate(
                Finding(
                    "host.duplicate-address",
                    Severity.CRITICAL,
                    facts.host,
                    f"{facts.host} has the address {entry.address}, which belongs to {other}",
                    "Connections to this address reach either host, so components on both hosts may fail.",
                    (f"{facts.host}: {entry.address}/{entry.prefix} on {entry.interface}",),
                    (call("repair", "remove the address", setting="address", host=facts.host, target=entry.address),),
                )
            )


def _packet_sizes(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """Hosts whose interface has another MTU than most others'; the size of packets between them matters."""
    sizes = {facts.host: size for facts in snapshot.hosts if (size := _mtu_of(facts))}
    usual, count = Counter(sizes.values()).most_common(1)[0] if sizes else (0, 0)
    for host, size in sizes.items():
        if size != usual and 2 * count > len(sizes):
            yield Candidate(
                Finding(
                    "host.mtu-differs",
                    Severity.WARNING,
                    host,
                    f"{host} has an MTU of {size} bytes, the other hosts of {usual}",
                    "Small packets pass and large ones are lost or refused, so connections open and then stall.",
                    tuple(f"{name}: {one} bytes" for name, one in sizes.items()),
                    (
                        call("repair", f"set the MTU to {usual}", setting="mtu", host=host),
                        advice(f"then correct the network settings of {host}, or the next reboot reverts this"),
                    ),
                )
            )


def _mtu_of(facts: HostFacts) -> int | None:
    """The MTU of the interface that has the host's address; None where it is unknown."""
    system = value_of(facts.system)
    return dict(system.mtu).get(_interface_of(facts)) if system else None


def _interface_of(facts: HostFacts) -> str:
    entries = value_of(facts.addresses) or ()
    return next((one.interface for one in entries if one.address == facts.address), "").partition("@")[0]


def _neighbours(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """An entry for a VIP that leads to another hardware address than its owner's."""
    for view in vip_views(snapshot):
        owner = next((facts for facts in snapshot.hosts if view.owners == (facts.host,)), None)
        own = hardware_of(owner, view.address) if owner else ""
        if owner is None or not own:
            continue
        for facts in snapshot.hosts:
            entry = _wrong_entry(facts, owner, view.address, own)
            if entry is not None:
                yield _stale_entry(facts, owner, entry, own)


def _wrong_entry(facts: HostFacts, owner: HostFacts, address: str, own: str) -> Neighbour | None:
    """The entry, if it was read after the owner's addresses had settled."""
    if facts.host == owner.host or not isinstance(facts.system, Known):
        return None
    moved = owner.addresses_since
    if moved is not None and facts.system.at < moved + SETTLED:
        return None
    entries = (one for one in facts.system.value.neighbours if one.address == address and one.state not in UNUSED)
    return next((one for one in entries if one.hardware != own), None)


def _stale_entry(facts: HostFacts, owner: HostFacts, entry: Neighbour, own: str) -> Candidate:
    """No announcement changes a permanent entry."""
    permanent = entry.state in LASTING
    return Candidate(
        Finding(
            "vip.stale-arp",
            Severity.WARNING,
            facts.host,
            f"{facts.host} sends traffic for {entry.address} to a wrong host: the owner is {owner.host}",
            "The host's neighbour table has an old MAC address for the VIP, so it does not reach the API.",
            (f"neighbour entry: {entry.hardware} ({entry.state})", f"{owner.host}'s interface: {own}"),
            (
                *(
                    ()
                    if permanent
                    else (call("announce-vip", "announce the VIP again from its owner", vip=entry.address),)
                ),
                advice(f"{'' if permanent else 'or '}on {facts.host}: ip neighbour flush nud all to {entry.address}"),
                *(
                    ()
                    if permanent
                    else (advice("if it happens again: set vrrp_garp_master_refresh in keepalived.conf"),)
                ),
            ),
        ),
        (*on(entry.address, "vip.split"), *anywhere("host.duplicate-address")),
    )


def _stale_configurations(facts: HostFacts) -> Iterator[Candidate]:
    """A balancer's program that neither started nor reloaded since its file was written."""
    system: SystemFacts | None = value_of(facts.system)
    for path, written_at in system.files_written if system else ():
        name = path.rpartition("/")[2].partition(".")[0]
        unit = facts.service(name)
        if unit is None or not unit.running or unit.since is None or written_at <= unit.since + GRACE:
            continue
        yield Candidate(
            Finding(
                "service.stale-config",
                Severity.WARNING,
                f"{name}@{facts.host}",
                f"{name} on {facts.host} runs an older configuration than {path}",
                "The file was changed after the last start or reload. The change takes effect at the next "
                "restart or reload, perhaps in the middle of a failover.",
                (
                    f"{path} was written {written_at:%Y-%m-%d %H:%M:%S}Z",
                    f"{name} was started or reloaded {unit.since:%Y-%m-%d %H:%M:%S}Z",
                ),
                (call("reconfigure", "check the file, then reload the program", service=name, host=facts.host),),
            ),
            (NOT_BOOTSTRAPPED, ("config.invalid", f"{name}@{facts.host}")),
        )


def _invalid(facts: HostFacts, check: ConfigCheck) -> Candidate:
    return Candidate(
        Finding(
            "config.invalid",
            Severity.WARNING,
            f"{check.program}@{facts.host}",
            f"{check.program} on {facts.host} rejects {check.path}",
            "A running process keeps its old configuration. It does not come up again after a restart or a reboot.",
            (f"{check.program}: {check.message or 'no reason given'}",),
            (
                call("bootstrap", "write the file again", only=check.program),
                advice(f"or correct {check.path} on {facts.host}, then reload {check.program}"),
            ),
        ),
        (NOT_BOOTSTRAPPED, *on(facts.host, "vip.config-mismatch")),
    )
