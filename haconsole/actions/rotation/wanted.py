"""Which leaves a rotation replaces: what hosts should have by the inventory, beside what was seen of them."""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.leaves import ETCD_CA, LeafWanted, leaves_on
from haconsole.actions.build import step_id
from haconsole.actions.checks import CertificateInPlace
from haconsole.actions.operations import PutBack
from haconsole.actions.step import Step
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.pki.leaf import due_at
from haconsole.pki.names import normal_san

ETCD, KUBERNETES, ALL = "etcd", "kubernetes", "all"


@dataclass(frozen=True, slots=True)
class Held:
    """A leaf that a host should have, and the one it was seen to have; None where none was read."""

    host: Host
    leaf: LeafWanted
    seen: Certificate | None


def held(found: Ground, host: Host, scope: str) -> tuple[Held, ...]:
    """The leaves of `scope` on `host`: etcd's are those of etcd's CA, the API server's client leaf among them."""
    facts = found.snapshot.host(HostName(host.name))
    seen = {one.path: one for one in (value_of(facts.certificates) or () if facts else ()) if not one.is_ca}
    leaves = (leaf for leaf in leaves_on(found, host) if scope == ALL or (leaf.authority == ETCD_CA) is (scope == ETCD))
    return tuple(Held(host, leaf, seen.get(leaf.files.cert)) for leaf in leaves)


def expired(found: Ground, one: Held) -> bool:
    return one.seen is not None and one.seen.not_after <= found.snapshot.observed_at


def due(found: Ground, one: Held) -> bool:
    """Whether it should be replaced for its time, or is not what the inventory asks for."""
    seen, now = one.seen, found.snapshot.observed_at
    if seen is None or now >= due_at(seen.not_before, seen.not_after) or now < seen.not_before:
        return True
    named = {normal_san(san) for san in one.leaf.sans} == {normal_san(san) for san in seen.sans}
    return not named or seen.key_matches is False or seen.chain_ok is False


def renew_step(one: Held, phase: str) -> Step:
    """Replace the leaf, or issue it where there is none."""
    leaf, replaces = one.leaf, one.seen.fingerprint if one.seen else ""
    return Step(
        id=step_id(f"pki.{leaf.name}", one.host.name),
        title=f"{'Replace' if replaces else 'Issue'} the {leaf.name} certificate",
        why=f"{leaf.why} The new key is made on this host; the pair of before is set aside.",
        host=HostName(one.host.name),
        operation=leaf.issue(replaces),
        verification=(CertificateInPlace(),),
        undo=PutBack((leaf.files.cert, leaf.files.key)),
        phase=phase,
    )
