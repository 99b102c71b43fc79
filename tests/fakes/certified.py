"""A healthy cluster whose hosts have every certificate of their layout, and states that rotations find it in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from haconsole.actions.bootstrap.leaves import leaves_on
from haconsole.actions.plan_context import plan_context
from haconsole.configs.layout import layout, successor
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, healthy

OLD, NEW = "old", "new"
Change = Callable[[Certificate], Certificate]


def certified(
    *,
    bundle: tuple[str, ...] = (OLD,),
    with_successor: bool = False,
    signed_by: str = OLD,
    change: Change = lambda one: one,
) -> ClusterSnapshot:
    """Every leaf a day old and `signed_by` by that generation of its CA; `bundle` are the generations trusted."""
    snapshot = healthy()
    hosts = tuple(
        replace(
            facts,
            certificates=Known(tuple(map(change, _of(INVENTORY, host, bundle, with_successor, signed_by))), NOW),
            token_keys=_tokens(bundle, with_successor, signed_by),
        )
        for facts in snapshot.hosts
        if (host := INVENTORY.find(facts.host))
    )
    return replace(snapshot, hosts=hosts)


def _of(
    inventory: Inventory, host: Host, bundle: tuple[str, ...], with_successor: bool, signed_by: str
) -> tuple[Certificate, ...]:
    ctx = plan_context(healthy(), inventory, None)
    leaves = tuple(
        certificate(host, leaf.name, leaf.files.cert, f"{leaf.name}@{host.name}-{signed_by}", sans=leaf.sans)
        for leaf in leaves_on(ctx, host)
    )
    signer = {leaf.files.cert: f"{leaf.authority}-{signed_by}" for leaf in leaves_on(ctx, host)}
    leaves = tuple(replace(leaf, issued_by=signer[leaf.path], chain_ok=True, key_matches=True) for leaf in leaves)
    return (*leaves, *_authorities(inventory, host, bundle, with_successor))


def _authorities(
    inventory: Inventory, host: Host, bundle: tuple[str, ...], with_successor: bool
) -> tuple[Certificate, ...]:
    places = layout(inventory)
    assert places.etcd.pki
    assert places.kubernetes
    files = {
        "etcd-ca": places.etcd.pki.ca,
        "kubernetes-ca": places.kubernetes.ca,
        "front-proxy-ca": places.kubernetes.front_proxy_ca,
    }
    several: list[Certificate] = []
    for role, pair in files.items():
        several += (certificate(host, role, pair.cert, f"{role}-{one}", is_ca=True) for one in bundle)
        if with_successor:
            several.append(certificate(host, f"{role}-next", successor(pair).cert, f"{role}-{NEW}", is_ca=True))
    return tuple(several)


def _tokens(bundle: tuple[str, ...], with_successor: bool, signed_by: str) -> tuple[TokenKeys, ...]:
    places = layout(INVENTORY).kubernetes
    assert places
    pair = places.service_account
    contents = (
        TokenKeys(pair.cert, 0o644, private=False, fingerprints=tuple(f"sa-{one}" for one in bundle)),
        TokenKeys(pair.key, 0o600, private=True, fingerprints=(f"sa-{signed_by}",)),
    )
    return (
        (*contents, TokenKeys(successor(pair).cert, 0o644, private=False, fingerprints=(f"sa-{NEW}",)))
        if with_successor
        else contents
    )


def certificate(
    host: Host, role: str, path: str, fingerprint: str, *, sans: tuple[str, ...] = (), is_ca: bool = False
) -> Certificate:
    return Certificate(
        HostName(host.name),
        path,
        role,
        f"CN={role}",
        "CN=ca",
        "4f",
        NOW - timedelta(days=1),
        NOW + timedelta(days=364),
        sans,
        fingerprint,
        is_ca=is_ca,
    )
