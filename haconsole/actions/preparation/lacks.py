"""Texts for things that a host lacks, each with its fix, and reasons why a host cannot be prepared. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from haconsole.actions.preparation.needs import HostNeeds
from haconsole.configs.software import TIME_SERVICE, Software
from haconsole.model.platform import PackageTool

OPTIONAL = (TIME_SERVICE, "ethtool", "socat")
"""Software that bootstrap works without."""
UNCHECKED = "net.bridge.bridge-nf-call-ip6tables"
"""A setting that is written with the others, but is no reason to prepare a host: kubeadm does not check it."""


def blocking(needs: HostNeeds) -> tuple[str, ...]:
    """Reasons why bootstrap would fail, as phrases with the fix; empty if the host is ready."""
    fixes = list(_sources(needs, (one for one in needs.missing if one.name not in OPTIONAL)))
    fixes += _swap_and_sysctls(needs)
    if needs.runtime is not None:
        fixes += [f"containerd: {problem}: to be corrected" for problem in needs.runtime.problems]
    if needs.kernel is not None and needs.kernel.selinux_blocks:
        fixes.append("SELinux is enforcing: to be set to permissive")
    if needs.closed_ports:
        verb = "to be opened" if needs.opens_ports else "open them by hand"
        fixes.append(f"{needs.facts.firewall} closes {', '.join(needs.closed_ports)}: {verb}")
    return tuple(fixes)


def _swap_and_sysctls(needs: HostNeeds) -> Iterable[str]:
    if needs.kernel is None:
        return
    if needs.kernel.swap_on:
        devices = ", ".join(needs.facts.swap) or "after a reboot"
        yield f"swap is on ({devices}): to be turned off, in fstab too"
    for name in needs.kernel.wrong_sysctls:
        if name != UNCHECKED:
            yield f"{name} is {needs.facts.sysctl(name) or 'absent'}: to be set to 1"


def optional(needs: HostNeeds) -> tuple[str, ...]:
    """Missing software that bootstrap works without."""
    return _sources(needs, (one for one in needs.missing if one.name in OPTIONAL))


def _sources(needs: HostNeeds, products: Iterable[Software]) -> tuple[str, ...]:
    """The missing products of each source in one phrase."""
    names: dict[str, list[str]] = {}
    for one in products:
        names.setdefault(_source(needs, one), []).append(one.name)
    return tuple(
        f"{', '.join(some)} {'is' if len(some) == 1 else 'are'} missing: {source}" for source, some in names.items()
    )


def _source(needs: HostNeeds, one: Software) -> str:
    """Where the software comes from, as a phrase."""
    release, package = needs.release_of(one), needs.package_of(one)
    if release is not None:
        return f"to be installed from {release.path}"
    if not package:
        return "no source is known"
    if needs.inventory.preparation.packages:
        return f"to be installed from {needs.inventory.preparation.packages} or the repositories"
    return "to be installed from the repositories"


def refusals(needs: HostNeeds) -> tuple[str, ...]:
    """Reasons why this host cannot be prepared, each with the way out."""
    name = needs.host.name
    if needs.facts.tool is PackageTool.NONE and needs.packages:
        return (f"{name} has neither apt, dnf nor yum ({needs.facts.name}): install its software by hand",)
    return (*_without_source(needs), *_other_versions(needs))


def _without_source(needs: HostNeeds) -> tuple[str, ...]:
    reasons = []
    for one in needs.missing:
        package = needs.package_of(one)
        if needs.release_of(one) is None and not package:
            key = f"preparation.releases.{one.release}"
            reasons.append(
                f"{needs.host.name}: {one.name} is missing, and haconsole knows no package with it: set {key} in the "
                "inventory"
            )
        elif package and not _may_be_offered(needs, package):
            fix = "add a repository in preparation.repositories, or a folder in preparation.packages"
            reasons.append(f"{needs.host.name}: {one.name} is missing, and apt offers no package {package}: {fix}")
    return tuple(reasons)


def _may_be_offered(needs: HostNeeds, package: str) -> bool:
    settings, state = needs.inventory.preparation, needs.facts.package(package)
    added = settings.packages or any(one.apt for one in settings.repositories)
    known = needs.facts.tool is PackageTool.APT and needs.facts.lists
    return bool(added) or not known or bool(state and state.candidate)


def _other_versions(needs: HostNeeds) -> tuple[str, ...]:
    reasons = []
    for one in needs.software:
        program = needs.facts.program(one.programs[0])
        if not one.version or program is None or not program.version:
            continue
        if not f"{program.version}.".startswith(f"{one.version}."):
            key = "etcd.version" if one.name == "etcd" else "kubernetes.version"
            reasons.append(
                f"{needs.host.name}: {one.name} is {program.version}, and {key} is {one.version}: existing "
                f"installations are kept; upgrade this one, or change {key}"
            )
    return tuple(reasons)
