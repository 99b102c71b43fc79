"""Rules about etcd: voters, timing, discovery, and certificates that its clients can trust."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault, Level, quoted
from haconsole.inventory.schema import Deployment, DiscoveryKind, EtcdPlacement, EtcdTls, Inventory
from haconsole.model.quorum import needed_for
from haconsole.model.roles import Role

SUGGESTED_QUOTA = 8 << 30


def voters_make_a_quorum(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    voters = len(inventory.with_role(Role.ETCD))
    here = marks.at("hosts")
    spare = voters - needed_for(voters)
    if voters == 1:
        what = "etcd has 1 voter, whose loss stops the cluster"
        yield Fault(here, what, "give three hosts the role etcd", Level.WARNING)
    elif voters and voters % 2 == 0:
        what = (
            f"etcd has {voters} voters and tolerates the loss of {spare}; with one voter fewer it would tolerate "
            "the same loss"
        )
        yield Fault(here, what, "give the role etcd to an odd number of hosts", Level.WARNING)
    elif voters > 7:
        what = f"etcd has {voters} voters, each of which must take every write"
        yield Fault(here, what, "use 5 voters, which tolerate 2 failures, or 7, which tolerate 3", Level.WARNING)


def timing_holds(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """etcd refuses to start with an election time-out under five heartbeats."""
    etcd = inventory.etcd
    if etcd.election_ms < 5 * etcd.heartbeat_ms:
        what = f"election_ms is {etcd.election_ms}, less than 5 x heartbeat_ms ({etcd.heartbeat_ms})"
        hint = f"write election_ms: {10 * etcd.heartbeat_ms}; etcd does not start below {5 * etcd.heartbeat_ms}"
        where = "election_ms" if ("etcd", "election_ms") in marks.values else "heartbeat_ms"
        yield Fault(marks.at("etcd", where), what, hint)
    if etcd.quota_bytes > SUGGESTED_QUOTA:
        what = f"quota_bytes is {etcd.quota_bytes}, more than 8 GiB, the maximum that etcd is made for"
        yield Fault(marks.at("etcd", "quota_bytes"), what, f"write {SUGGESTED_QUOTA} or less", Level.WARNING)


def discovery_is_whole(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    kind, value = inventory.etcd.discovery.kind, inventory.etcd.discovery.value
    here = marks.at("etcd", "discovery", "value")
    match kind:
        case DiscoveryKind.STATIC if value is not None:
            what = "discovery.value is set, but discovery.kind is static, which needs none"
            yield Fault(here, what, "write `kind: url` or `kind: srv`, or remove the value")
        case DiscoveryKind.URL if value is None or not _is_url(value):
            what = "discovery.kind is url, but " + (f"{quoted(value)} is not a URL" if value else "the URL is missing")
            yield Fault(here, what, "set `value:` to the URL from the discovery service")
        case DiscoveryKind.SRV if value is None or ":" in value or "/" in value:
            what = "discovery.kind is srv, but " + (
                f"{quoted(value)} is not a domain" if value else "the domain is missing"
            )
            yield Fault(here, what, "set `value:` to the domain of the _etcd-server-ssl._tcp records")
        case _:
            return


def clients_are_known(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    here = marks.at("etcd", "tls")
    if inventory.etcd.tls is EtcdTls.OFF:
        what = f"etcd.tls is off: all clients on port {inventory.etcd.client_port} can read and change all keys"
        yield Fault(here, what, "write `tls: certificates`", Level.WARNING)
    if inventory.etcd.tls is EtcdTls.AUTO and inventory.kubernetes is not None:
        what = "etcd.tls is auto: no kube-apiserver can verify etcd's self-signed certificates"
        yield Fault(here, what, "write `tls: certificates`")


def external_etcd_is_separate(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """An etcd outside the inventory excludes members in it, and settings that only these have."""
    external = inventory.etcd.external
    if external is None:
        return
    here = marks.at("etcd", "external")
    members = ", ".join(host.name for host in inventory.with_role(Role.ETCD))
    if members:
        what = f"etcd.external is set, but hosts have the role etcd: {members}"
        yield Fault(here, what, "remove etcd.external, or the role etcd from every host")
    if inventory.kubernetes is None or inventory.kubernetes.deployment is not Deployment.KUBEADM:
        what = "etcd.external is set, but kubernetes.deployment is not kubeadm"
        yield Fault(here, what, "write `deployment: kubeadm`, or remove etcd.external")
    if inventory.etcd.placement is EtcdPlacement.STATIC_POD:
        what = "etcd.external is set, but etcd.placement is static-pod: no host of the inventory runs etcd"
        yield Fault(marks.at("etcd", "placement"), what, "remove the key placement")
    if inventory.etcd.tls is not EtcdTls.CERTIFICATES:
        what = f"etcd.external is set, but etcd.tls is {inventory.etcd.tls}: its endpoints require certificates"
        yield Fault(marks.at("etcd", "tls"), what, "remove the key tls")
    for number, url in enumerate(external.endpoints):
        if url in external.endpoints[:number]:
            yield Fault(
                marks.at("etcd", "external", "endpoints", number), f"{url} is listed twice", "remove one of them"
            )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
