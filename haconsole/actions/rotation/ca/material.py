"""The CAs that a rotation replaces, as observed on hosts: the old one, the new one, and the progress.

During a CA rotation the bundle (``ca.crt``) holds both, the old one first, and its key stays beside it. The new one is
kept in ``ca-next.crt`` and ``ca-next.key`` until the last phase installs it. So the phase is read only from the hosts'
files.
"""

from __future__ import annotations

from dataclasses import dataclass

from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.leaves import ETCD_CA, FRONT_PROXY_CA, KUBERNETES_CA
from haconsole.actions.rotation.kubelet import certificates_on, kubelet_leaf
from haconsole.actions.rotation.wanted import ALL, ETCD, KUBERNETES, held
from haconsole.configs.haproxy import check_verifies
from haconsole.configs.layout import KeyPairFiles, successor
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

TOKENS = "service-account"


@dataclass(frozen=True, slots=True)
class Material:
    """A CA, or the service-account key pair. `holders` have its key, `users` its certificate or public key.

    `bundles` are the fingerprints observed in each user's file; `goes` and `comes` are the old and the new one by
    fingerprint (empty if unknown or not generated yet).
    """

    name: str
    common_name: str
    files: KeyPairFiles
    holders: tuple[Host, ...]
    users: tuple[Host, ...]
    bundles: dict[str, tuple[str, ...]]
    goes: str
    comes: str
    signed: tuple[str | None, ...] = ()
    strange: tuple[str, ...] = ()

    @property
    def next(self) -> KeyPairFiles:
        return successor(self.files)

    @property
    def previous(self) -> str:
        """The path of the old token key until the last phase."""
        return self.files.key.replace(".key", "-previous.key")

    @property
    def is_tokens(self) -> bool:
        return self.name == TOKENS

    @property
    def begun(self) -> bool:
        """Whether its replacement is under way."""
        return bool(self.comes)

    @property
    def trusted(self) -> bool:
        """Whether every user has both, or only the new one."""
        return self.begun and all(self.comes in held for held in self.bundles.values())

    @property
    def dropped(self) -> bool:
        """Whether some user has dropped the old one."""
        return self.begun and any(self.goes not in held for held in self.bundles.values() if held)


def materials(found: Ground, scope: str) -> tuple[Material, ...]:
    """All of the scope, as observed."""
    etcd, kubernetes = found.layout.etcd.pki, found.layout.kubernetes
    planes = found.control_planes
    several: list[Material] = []
    if etcd and scope in (ETCD, ALL):
        users = _together(found, found.etcd, planes if kubernetes else ())
        several.append(_authority(found, ETCD_CA, "etcd-ca", etcd.ca, found.etcd, users))
    if kubernetes and planes and scope in (KUBERNETES, ALL):
        balancers = found.balancers if check_verifies(found.inventory) else ()
        kubelets = tuple(host for host in found.inventory.hosts if kubelet_leaf(found, host))
        users = _together(found, planes, balancers, kubelets)
        several += (
            _authority(found, KUBERNETES_CA, "kubernetes", kubernetes.ca, planes, users),
            _authority(found, FRONT_PROXY_CA, "front-proxy-ca", kubernetes.front_proxy_ca, planes, planes),
            _tokens(found, kubernetes.service_account),
        )
    return tuple(several)


def _together(found: Ground, *several: tuple[Host, ...]) -> tuple[Host, ...]:
    return tuple(host for host in found.inventory.hosts if any(host in hosts for hosts in several))


def _authority(
    found: Ground,
    name: str,
    common_name: str,
    files: KeyPairFiles,
    holders: tuple[Host, ...],
    users: tuple[Host, ...],
) -> Material:
    read = {host.name: certificates_on(found, host) for host in users}
    bundles = {host: tuple(one.fingerprint for one in seen if one.path == files.cert) for host, seen in read.items()}
    following = {one.fingerprint for seen in read.values() for one in seen if one.path == successor(files).cert}
    leaves = (one for host in users for one in held(found, host, ALL) if one.leaf.authority == name)
    signed = tuple(one.seen.issued_by for one in leaves if one.seen)
    return _material(name, common_name, files, (holders, users), bundles, following, signed)


def _tokens(found: Ground, files: KeyPairFiles) -> Material:
    planes = found.control_planes
    keys = {host.name: facts.token_keys for host in planes if (facts := found.snapshot.host(HostName(host.name)))}
    bundles = {
        host: tuple(p for one in seen if one.path == files.cert for p in one.fingerprints)
        for host, seen in keys.items()
    }
    following = {
        p for seen in keys.values() for one in seen if one.path == successor(files).cert for p in one.fingerprints
    }
    signed = tuple(p for seen in keys.values() for one in seen if one.path == files.key for p in one.fingerprints)
    return _material(TOKENS, TOKENS, files, (planes, planes), bundles, following, signed)


def _material(
    name: str,
    common_name: str,
    files: KeyPairFiles,
    hosts: tuple[tuple[Host, ...], tuple[Host, ...]],
    bundles: dict[str, tuple[str, ...]],
    following: set[str],
    signed: tuple[str | None, ...],
) -> Material:
    others = {one for held in bundles.values() for one in held} - following
    strange: list[str] = []
    if len(following) > 1:
        strange.append(f"hosts have different {successor(files).cert}: rename all but one")
    if len(others) > 1:
        told = ", ".join(sorted(one[:16] for one in others))
        strange.append(
            f"{files.cert} holds several candidates for the old CA (SHA-256 {told}): keep only the one "
            "in use, then run this again"
        )
    missing = [host for host, held in bundles.items() if not held]
    if missing:
        strange.append(f"{files.cert} was not read on {', '.join(missing)}")
    goes, comes = next(iter(others), ""), next(iter(following), "")
    return Material(name, common_name, files, *hosts, bundles, goes, comes, signed, tuple(strange))
