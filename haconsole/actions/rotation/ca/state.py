"""The CAs that a rotation replaces, as observed on hosts: the old one, the new one, and the progress.

During a CA rotation the bundle (``ca.crt``) holds both, the old one first, and its key stays beside it. The new one is
kept in ``ca-next.crt`` and ``ca-next.key`` until the last phase installs it. Its certificate stays there until nothing
else is to be changed. So the phase is read only from the hosts' files.
"""

from __future__ import annotations

import msgspec

from haconsole.actions.bootstrap.leaves import ETCD_CA, FRONT_PROXY_CA, KUBERNETES_CA
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.desired import ALL, ETCD, KUBERNETES, leaves_of_host
from haconsole.actions.rotation.kubelet import certificates_on, kubelet_leaf
from haconsole.configs.haproxy import check_verifies
from haconsole.configs.layout import KeyPairFiles, successor
from haconsole.inventory.schema import Host
from haconsole.model.names import HostName

TOKENS = "service-account"


class CaState(msgspec.Struct, frozen=True):
    """A CA, or the service-account key pair. `holders` have its key, `users` its certificate or public key.

    `bundles` are the fingerprints observed in each user's file; `old` and `new` are the old and the new one by
    fingerprint (empty if unknown or not generated yet).
    """

    name: str
    common_name: str
    files: KeyPairFiles
    holders: tuple[Host, ...]
    users: tuple[Host, ...]
    bundles: dict[str, tuple[str, ...]]
    old: str
    new: str
    signed_by: tuple[str | None, ...] = ()
    strange: tuple[str, ...] = ()
    next_on: tuple[str, ...] = ()
    """Names of the hosts that have the new one in a file of its own."""

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
    def is_under_way(self) -> bool:
        """Whether its replacement is under way."""
        return bool(self.new)

    @property
    def is_trusted(self) -> bool:
        """Whether every user has both, or only the new one."""
        return self.is_under_way and all(self.new in leaves_of_host for leaves_of_host in self.bundles.values())

    @property
    def is_dropped(self) -> bool:
        """Whether some user has dropped the old one."""
        return self.is_under_way and any(
            self.old not in leaves_of_host for leaves_of_host in self.bundles.values() if leaves_of_host
        )


def ca_states(ctx: PlanContext, scope: str) -> tuple[CaState, ...]:
    """All of the scope, as observed."""
    etcd, kubernetes = ctx.layout.etcd.pki, ctx.layout.kubernetes
    planes = ctx.control_planes
    several: list[CaState] = []
    if etcd and ctx.inventory.etcd.external is None and scope in (ETCD, ALL):
        users = _union(ctx, ctx.etcd, planes if kubernetes else ())
        several.append(_authority(ctx, ETCD_CA, "etcd-ca", etcd.ca, ctx.etcd, users))
    if kubernetes and planes and scope in (KUBERNETES, ALL):
        balancers = ctx.balancers if check_verifies(ctx.inventory) else ()
        kubelets = tuple(host for host in ctx.inventory.hosts if kubelet_leaf(ctx, host))
        users = _union(ctx, planes, balancers, kubelets)
        several += (
            _authority(ctx, KUBERNETES_CA, "kubernetes", kubernetes.ca, planes, users),
            _authority(ctx, FRONT_PROXY_CA, "front-proxy-ca", kubernetes.front_proxy_ca, planes, planes),
            _tokens(ctx, kubernetes.service_account),
        )
    return tuple(several)


def _union(ctx: PlanContext, *several: tuple[Host, ...]) -> tuple[Host, ...]:
    return tuple(host for host in ctx.inventory.hosts if any(host in hosts for hosts in several))


def _authority(
    ctx: PlanContext,
    name: str,
    common_name: str,
    files: KeyPairFiles,
    holders: tuple[Host, ...],
    users: tuple[Host, ...],
) -> CaState:
    read = {host.name: certificates_on(ctx, host) for host in users}
    bundles = {
        host: tuple(one.fingerprint for one in certificates if one.path == files.cert)
        for host, certificates in read.items()
    }
    following = {
        host: tuple(one.fingerprint for one in certificates if one.path == successor(files).cert)
        for host, certificates in read.items()
    }
    leaves = (one for host in users for one in leaves_of_host(ctx, host, ALL) if one.leaf.authority == name)
    signed = tuple(one.observed.issued_by for one in leaves if one.observed)
    return _ca_state(name, common_name, files, (holders, users), bundles, following, signed)


def _tokens(ctx: PlanContext, files: KeyPairFiles) -> CaState:
    planes = ctx.control_planes
    keys = {host.name: facts.token_keys for host in planes if (facts := ctx.snapshot.host(HostName(host.name)))}
    bundles = {
        host: tuple(p for one in token_keys if one.path == files.cert for p in one.fingerprints)
        for host, token_keys in keys.items()
    }
    following = {
        host: tuple(p for one in token_keys if one.path == successor(files).cert for p in one.fingerprints)
        for host, token_keys in keys.items()
    }
    signed = tuple(
        p for token_keys in keys.values() for one in token_keys if one.path == files.key for p in one.fingerprints
    )
    return _ca_state(TOKENS, TOKENS, files, (planes, planes), bundles, following, signed)


def _ca_state(
    name: str,
    common_name: str,
    files: KeyPairFiles,
    hosts: tuple[tuple[Host, ...], tuple[Host, ...]],
    bundles: dict[str, tuple[str, ...]],
    next_by_host: dict[str, tuple[str, ...]],
    signed: tuple[str | None, ...],
) -> CaState:
    following = {one for prints in next_by_host.values() for one in prints}
    others = {one for leaves_of_host in bundles.values() for one in leaves_of_host} - following
    strange: list[str] = []
    if len(following) > 1:
        strange.append(
            f"the hosts have different files {successor(files).cert}: keep one of them and rename the others"
        )
    if len(others) > 1:
        candidates = ", ".join(sorted(one[:16] for one in others))
        strange.append(
            f"{files.cert} contains several candidates for the old CA (SHA-256 {candidates}): keep only the CA "
            "that is in use, then run this again"
        )
    missing = [host for host, leaves_of_host in bundles.items() if not leaves_of_host]
    if missing:
        strange.append(f"{files.cert} was not read on {', '.join(missing)}")
    old, new = next(iter(others), ""), next(iter(following), "")
    next_on = tuple(host for host, prints in next_by_host.items() if prints)
    return CaState(name, common_name, files, *hosts, bundles, old, new, signed, tuple(strange), next_on)
