"""Rules about sources of software: each repository has an address and a key, each archive a checksum."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.inventory.marks import Marks
from haconsole.inventory.preparation import Preparation
from haconsole.inventory.problems import Fault, Level
from haconsole.inventory.schema import Deployment, Inventory

ARCHIVES = (".tar.gz", ".tgz")


def repositories_are_usable(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    names: set[str] = set()
    for number, one in enumerate(inventory.preparation.repositories):
        place = ("preparation", "repositories", number)
        if one.apt is None and one.yum is None:
            what = f"the repository {one.name} has no address"
            yield Fault(marks.at(*place), what, "add the key `apt`, the key `yum`, or both")
        if one.key is None and not one.unsigned:
            what = f"the repository {one.name} has no key, so its packages cannot be verified"
            yield Fault(
                marks.at(*place), what, "add `key:` with the file of the repository's public key, or `unsigned: true`"
            )
        if one.key is not None and one.unsigned:
            what = f"the repository {one.name} has both a key and unsigned: true"
            yield Fault(marks.at(*place, "unsigned"), what, "remove one of the two")
        if one.name in names:
            what = f"two repositories have the name {one.name}"
            yield Fault(marks.at(*place, "name"), what, "give each repository a different name")
        names.add(one.name)


def archives_are_verifiable(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    releases = inventory.preparation.releases
    for name in ("kubernetes", "etcd"):
        release = getattr(releases, name)
        if release is None:
            continue
        archive = release.path.endswith(ARCHIVES)
        place = marks.at("preparation", "releases", name)
        if archive and release.sha256 is None:
            what = f"preparation.releases.{name} is an archive without its checksum"
            yield Fault(place, what, "add sha256, as published with the release")
        if not archive and release.sha256 is not None:
            what = f"preparation.releases.{name}.sha256 is the checksum of an archive, but path is a folder"
            yield Fault(place, what, "set path to the archive (.tar.gz), or remove sha256")


def node_settings_have_an_effect(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    settings, kubernetes = inventory.preparation, inventory.kubernetes
    if kubernetes is not None and kubernetes.deployment is Deployment.KUBEADM:
        return
    for name in ("images", "runtime"):
        if getattr(settings, name) != getattr(Preparation(), name):
            what = (
                f"preparation.{name} has no effect: haconsole sets up a container runtime only in clusters of kubeadm"
            )
            hint = "set kubernetes.deployment to kubeadm, or remove this key from preparation"
            yield Fault(marks.at("preparation", name), what, hint, Level.WARNING)
