"""Compares the certificates that the inventory requires with those on the hosts: which ones a rotation replaces."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from haconsole.actions.bootstrap.leaves import ETCD_CA, DesiredLeaf, leaves_on
from haconsole.actions.build import script, step_id
from haconsole.actions.checks import CertificateInPlace
from haconsole.actions.operations import PairForm, RunCommand, UndoByRestoringFiles
from haconsole.actions.plan_context import PlanContext
from haconsole.actions.rotation.kubeadm import kubeconfig_leaves, named_as, with_ca_in_use
from haconsole.actions.rotation.kubelet import certificates_on, kubelet_leaf, workers
from haconsole.actions.rotation.scripts import NAME_FILES, NAMES_FILES
from haconsole.actions.step import Step
from haconsole.configs.layout import KeyPairFiles, is_kubeadm
from haconsole.inventory.schema import Host
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.pki.leaf import due_at
from haconsole.pki.names import normal_san

ETCD, KUBERNETES, ALL = "etcd", "kubernetes", "all"
NAME_WHY = (
    "The kubeconfig had certificate and key embedded. The new pair is in separate files, so that the key exists "
    "only once and later pairs are loaded from these files."
)


class HostLeaf(msgspec.Struct, frozen=True):
    """A leaf that a host should have, and the observed one; None if none was read.

    `kubeconfig` is the file that embeds the pair, and will name the leaf's files instead; empty otherwise.
    """

    host: Host
    leaf: DesiredLeaf
    observed: Certificate | None
    kubeconfig: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that its user reads."""
        return (*self.leaf.paths, self.kubeconfig) if self.kubeconfig else self.leaf.paths

    @property
    def needs_restart(self) -> bool:
        """Whether its user reads these files only at its start."""
        return bool(self.kubeconfig) or self.leaf.form is not PairForm.FILES


def hosts_with_leaves(ctx: PlanContext) -> tuple[Host, ...]:
    """The hosts that may have leaves, workers first."""
    return (*workers(ctx), *ctx.hosts)


def leaves_of_host(ctx: PlanContext, host: Host, scope: str) -> tuple[HostLeaf, ...]:
    """The leaves of `scope` on `host`: etcd's are those of etcd's CA, the API server's client leaf among them."""
    certificates = tuple(one for one in certificates_on(ctx, host) if not one.is_ca)
    kubelet = kubelet_leaf(ctx, host)
    leaves = tuple(_host_leaf(host, leaf, certificates) for leaf in leaves_on(ctx, host))
    if is_kubeadm(ctx.inventory):
        leaves = _as_kubeadm_made_them(ctx, host, leaves)
    return tuple(
        one
        for one in (*leaves, *((_host_leaf(host, kubelet, certificates),) if kubelet else ()))
        if scope == ALL or (one.leaf.authority == ETCD_CA) is (scope == ETCD)
    )


def _as_kubeadm_made_them(ctx: PlanContext, host: Host, leaves: tuple[HostLeaf, ...]) -> tuple[HostLeaf, ...]:
    """The leaves with their existing names, and those of kubeconfigs. etcd outside a static pod has the inventory's."""
    kubernetes, certificates = ctx.layout.kubernetes, certificates_on(ctx, host)
    if kubernetes is None or host not in ctx.control_planes:
        return leaves
    of_systemd = ("etcd-server", "etcd-peer", "etcd-client") if ctx.layout.etcd.unit else ()
    named = tuple(
        one if one.leaf.name in of_systemd else replace(one, leaf=named_as(one.leaf, one.observed)) for one in leaves
    )
    clients = tuple(
        _host_leaf(host, leaf, tuple(one for one in certificates if not one.is_ca))
        for leaf in kubeconfig_leaves(kubernetes, certificates)
    )
    return tuple(replace(one, leaf=with_ca_in_use(one.leaf, certificates)) for one in (*named, *clients))


def _host_leaf(host: Host, leaf: DesiredLeaf, certificates: tuple[Certificate, ...]) -> HostLeaf:
    """The leaf at its user's real path: in the layout's files, in others, or in a kubeconfig."""
    there = next((one for one in certificates if one.path == leaf.files.cert), None)
    other_file = next((one for one in certificates if one.role == leaf.name), None)
    if there or other_file is None or other_file.key_path is None:
        return HostLeaf(host, leaf, there)
    if other_file.in_kubeconfig:
        return HostLeaf(host, leaf, other_file, other_file.path)
    return HostLeaf(host, replace(leaf, files=KeyPairFiles(other_file.path, other_file.key_path)), other_file)


def is_expired(ctx: PlanContext, one: HostLeaf) -> bool:
    return one.observed is not None and one.observed.not_after <= ctx.snapshot.observed_at


def is_due(ctx: PlanContext, one: HostLeaf) -> bool:
    """Whether it is due, or differs from the inventory."""
    certificate, now = one.observed, ctx.snapshot.observed_at
    if (
        certificate is None
        or now >= due_at(certificate.not_before, certificate.not_after)
        or now < certificate.not_before
    ):
        return True
    named = {normal_san(san) for san in one.leaf.sans} == {normal_san(san) for san in certificate.sans}
    return not named or certificate.key_matches is False or certificate.chain_ok is False


def renew_step(one: HostLeaf, phase: str) -> Step:
    """Replace the leaf, or issue it if there is none."""
    leaf, replaces = one.leaf, one.observed.fingerprint if one.observed else ""
    return Step(
        id=step_id(f"pki.{leaf.name}", one.host.name),
        title=f"{'Replace' if replaces else 'Issue'} the {leaf.name} certificate",
        why=f"{leaf.why} The new key is generated on this host; the current pair is kept as a backup.",
        host=HostName(one.host.name),
        operation=leaf.issue(replaces),
        verification=(CertificateInPlace(),),
        undo=UndoByRestoringFiles(leaf.paths),
        phase=phase,
    )


def name_steps(several: tuple[HostLeaf, ...], phase: str) -> tuple[Step, ...]:
    """Each kubeconfig that embedded its pair gets the paths of the new one."""
    return tuple(_name(one, phase) for one in several if one.kubeconfig)


def _name(one: HostLeaf, phase: str) -> Step:
    files = one.leaf.files
    words = (one.kubeconfig, files.cert, files.key)
    named = script(
        NAMES_FILES,
        "named",
        *words,
        means=f"{one.kubeconfig} has the paths {files.cert} and {files.key}",
        problem=f"{one.kubeconfig} does not have the paths {files.cert} and {files.key}",
    )
    return Step(
        id=step_id(f"pki.{one.leaf.name}-named", one.host.name),
        title=f"Set the paths of the new certificate and key in {one.kubeconfig}",
        why=NAME_WHY,
        host=HostName(one.host.name),
        operation=RunCommand(("sh", "-ec", NAME_FILES.strip(), "name", *words)),
        verification=(named,),
        undo=UndoByRestoringFiles((one.kubeconfig,)),
        phase=phase,
    )
