"""The inventory's part about the preparation of hosts: package sources, releases, images and settings of the system."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from haconsole.inventory.values import AptSource, ImageName, LocalPath, Part, Path, Sha256, Token, Url


class SelinuxMode(StrEnum):
    """SELinux on hosts that run kubelet: permissive as kubeadm's guide sets it, or enforcing with correct labels."""

    PERMISSIVE = "permissive"
    CONTEXTS = "contexts"


class Repository(Part, frozen=True, kw_only=True):
    """A package repository beside those that a host already has."""

    name: Annotated[Token, Meta(description="Name of the repository's file in sources.list.d or yum.repos.d.")]
    apt: Annotated[AptSource | None, Meta(description="For hosts with apt: URL, suite and components.")] = None
    yum: Annotated[Url | None, Meta(description="For hosts with dnf or yum: the repository's baseurl.")] = None
    key: Annotated[
        LocalPath | None,
        Meta(description="File on this machine with the repository's public signing key; sent to the hosts."),
    ] = None
    unsigned: Annotated[
        bool, Meta(description="Accept the repository without signatures; for a trusted network only.")
    ] = False


class Release(Part, frozen=True, kw_only=True):
    """Programs that no package has: a release archive, or a folder with the programs."""

    path: Annotated[LocalPath, Meta(description="Archive (.tar.gz) or folder on this machine.")]
    sha256: Annotated[Sha256 | None, Meta(description="Published SHA-256 of the archive, verified on every host.")] = (
        None
    )


class Releases(Part, frozen=True, kw_only=True):
    """Releases by product; unset: packages, or programs that the hosts already have."""

    kubernetes: Annotated[
        Release | None,
        Meta(
            description=(
                "The Kubernetes programs in the version kubernetes.version, to install in kubernetes.binary_dir."
            )
        ),
    ] = None
    etcd: Annotated[
        Release | None,
        Meta(description="Release of etcd and etcdctl, version etcd.version, to install in the folder of etcd.binary."),
    ] = None


class Runtime(Part, frozen=True, kw_only=True):
    """Settings of containerd that kubelet depends on; other settings of an existing configuration are kept."""

    sandbox_image: Annotated[
        ImageName | None, Meta(description="Image of the pod sandbox; default: the image for kubernetes.version.")
    ] = None
    cni_dir: Annotated[
        Path | None, Meta(description="Folder of the CNI plug-ins; default: the usual folder that has them.")
    ] = None


class Preparation(Part, frozen=True, kw_only=True):
    """Where software comes from, and what prepare may change; used by prepare, bootstrap and join."""

    repositories: Annotated[
        tuple[Repository, ...],
        Meta(max_length=20, title="a list of repositories", description="Package repositories to add to the hosts."),
    ] = ()
    packages: Annotated[
        LocalPath | None,
        Meta(description="Folder with .deb or .rpm files on this machine, sent by SSH; for hosts without internet."),
    ] = None
    releases: Annotated[Releases, Meta(description="Release archives or folders, instead of packages.")] = Releases()
    images: Annotated[
        tuple[LocalPath, ...],
        Meta(
            max_length=20,
            title="a list of image archives",
            examples=[["images/control-plane.tar"]],
            description="Image archives on this machine, imported into containerd on every node.",
        ),
    ] = ()
    runtime: Annotated[Runtime, Meta(description="Settings of the container runtime.")] = Runtime()
    selinux: Annotated[
        SelinuxMode, Meta(description="SELinux mode to set on nodes where SELinux is enforcing now.")
    ] = SelinuxMode.PERMISSIVE
    firewall: Annotated[
        bool, Meta(description="Open the cluster's ports in an active firewall; with false, only list these ports.")
    ] = True
    hold: Annotated[bool, Meta(description="Exclude the cluster's packages from upgrades.")] = True
