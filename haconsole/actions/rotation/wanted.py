"""The leaves that a rotation replaces: the desired ones by the inventory, beside the observed ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.leaves import ETCD_CA, LeafWanted, leaves_on
from haconsole.actions.build import script, step_id
from haconsole.actions.checks import CertificateInPlace
from haconsole.actions.operations import PutBack, RunCommand
from haconsole.actions.rotation.kubelet import certificates_on, kubelet_leaf, workers
from haconsole.actions.rotation.scripts import NAME_FILES, NAMES_FILES
from haconsole.actions.step import Step
from haconsole.configs.layout import KeyPairFiles
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.pki.leaf import due_at
from haconsole.pki.names import normal_san

ETCD, KUBERNETES, ALL = "etcd", "kubernetes", "all"
NAME_WHY = (
    "The kubeconfig embedded certificate and key. The new ones are in separate files, so that the key exists "
    "only once and later ones are loaded from there."
)


@dataclass(frozen=True, slots=True)
class Held:
    """A leaf that a host should have, and the observed one; None if none was read.

    `kubeconfig` is the file that embeds the pair, and will name the leaf's files instead; empty otherwise.
    """

    host: Host
    leaf: LeafWanted
    seen: Certificate | None
    kubeconfig: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The file that its user reads."""
        pair = (self.leaf.files.cert, self.leaf.files.key)
        return (*pair, self.kubeconfig) if self.kubeconfig else pair


def concerned(found: Ground) -> tuple[Host, ...]:
    """The hosts that may have leaves, workers first."""
    return (*workers(found), *found.hosts)


def held(found: Ground, host: Host, scope: str) -> tuple[Held, ...]:
    """The leaves of `scope` on `host`: etcd's are those of etcd's CA, the API server's client leaf among them."""
    seen = tuple(one for one in certificates_on(found, host) if not one.is_ca)
    kubelet = kubelet_leaf(found, host)
    leaves = (*leaves_on(found, host), *((kubelet,) if kubelet else ()))
    return tuple(
        _held(host, leaf, seen) for leaf in leaves if scope == ALL or (leaf.authority == ETCD_CA) is (scope == ETCD)
    )


def _held(host: Host, leaf: LeafWanted, seen: tuple[Certificate, ...]) -> Held:
    """The leaf at its user's real path: in the layout's files, in others, or in a kubeconfig."""
    there = next((one for one in seen if one.path == leaf.files.cert), None)
    elsewhere = next((one for one in seen if one.role == leaf.name), None)
    if there or elsewhere is None or elsewhere.key_path is None:
        return Held(host, leaf, there)
    if elsewhere.in_kubeconfig:
        return Held(host, leaf, elsewhere, elsewhere.path)
    return Held(host, replace(leaf, files=KeyPairFiles(elsewhere.path, elsewhere.key_path)), elsewhere)


def expired(found: Ground, one: Held) -> bool:
    return one.seen is not None and one.seen.not_after <= found.snapshot.observed_at


def due(found: Ground, one: Held) -> bool:
    """Whether it is due, or differs from the inventory."""
    seen, now = one.seen, found.snapshot.observed_at
    if seen is None or now >= due_at(seen.not_before, seen.not_after) or now < seen.not_before:
        return True
    named = {normal_san(san) for san in one.leaf.sans} == {normal_san(san) for san in seen.sans}
    return not named or seen.key_matches is False or seen.chain_ok is False


def renew_step(one: Held, phase: str) -> Step:
    """Replace the leaf, or issue it if there is none."""
    leaf, replaces = one.leaf, one.seen.fingerprint if one.seen else ""
    return Step(
        id=step_id(f"pki.{leaf.name}", one.host.name),
        title=f"{'Replace' if replaces else 'Issue'} the {leaf.name} certificate",
        why=f"{leaf.why} The new key is generated on this host; the current pair is kept as a backup.",
        host=HostName(one.host.name),
        operation=leaf.issue(replaces),
        verification=(CertificateInPlace(),),
        undo=PutBack((leaf.files.cert, leaf.files.key)),
        phase=phase,
    )


def name_steps(several: tuple[Held, ...], phase: str) -> tuple[Step, ...]:
    """Each kubeconfig that embedded its pair gets the paths of the new one."""
    return tuple(_name(one, phase) for one in several if one.kubeconfig)


def _name(one: Held, phase: str) -> Step:
    files = one.leaf.files
    words = (one.kubeconfig, files.cert, files.key)
    named = script(
        NAMES_FILES,
        "named",
        *words,
        means=f"{one.kubeconfig} names {files.cert} and {files.key}",
        otherwise=f"{one.kubeconfig} does not name {files.cert} and {files.key}",
    )
    return Step(
        id=step_id(f"pki.{one.leaf.name}-named", one.host.name),
        title=f"Set the new pair's files in {one.kubeconfig}",
        why=NAME_WHY,
        host=HostName(one.host.name),
        operation=RunCommand(("sh", "-ec", NAME_FILES.strip(), "name", *words)),
        verification=(named,),
        undo=PutBack((one.kubeconfig,)),
        phase=phase,
    )
