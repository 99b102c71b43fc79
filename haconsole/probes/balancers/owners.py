"""The owner of the files that this console writes on balancers: this console, the site, or the package."""

from __future__ import annotations

import binascii
from base64 import b64decode

from haconsole.configs.balancer_files import as_0_1_wrote_it, haproxy_files, keepalived_files
from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.observed import Cause
from haconsole.model.provenance import ManagedFile, Owner
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

_COMPARED = 10
"""Rounds between two comparisons of the files' times."""


def paths_of(places: Layout) -> tuple[str, ...]:
    """The queried files, in this order."""
    return (*haproxy_files(places), *keepalived_files(places))


def section(paths: tuple[str, ...], *, every: int = 1) -> Section:
    """One line for each path; a file of version 0.1 follows in it, without its password. Needs root.

    It costs the host some 40 ms, so in between only the files' times of change are compared.
    """
    unchanged = with_arguments(load_script("files-unchanged"), *paths)
    return Section(
        "balancer_files", with_arguments(load_script("file-owners"), *paths), every, unchanged, check_every=_COMPARED
    )


def parse(answer: SectionAnswer, inventory: Inventory, host: Host, paths: tuple[str, ...]) -> tuple[ManagedFile, ...]:
    """One value for each path, in that order."""
    lines = require(answer, "reading the owners of the balancer's files").splitlines()
    if len(lines) != len(paths):
        raise ProbeError(f"expected the owners of {len(paths)} files, and got those of {len(lines)}", Cause.UNREADABLE)
    return tuple(_file(inventory, host, path, line) for path, line in zip(paths, lines, strict=True))


def _file(inventory: Inventory, host: Host, path: str, line: str) -> ManagedFile:
    word, _, rest = line.partition(" ")
    cluster, _, content = rest.partition(" ")
    mark = None if cluster == "-" else cluster
    if mark is not None and mark != inventory.cluster:
        return ManagedFile(path, Owner.FOREIGN, mark)
    try:
        if word == "unsealed":
            return ManagedFile(path, _owner_by_content(inventory, host, path, b64decode(content).decode()), mark)
        return ManagedFile(path, Owner(word), mark)
    except (ValueError, binascii.Error) as error:
        raise ProbeError(f"the owner of {path}: unexpected output: {line[:80]!r}", Cause.UNREADABLE) from error


def _owner_by_content(inventory: Inventory, host: Host, path: str, text: str) -> Owner:
    return Owner.OURS if as_0_1_wrote_it(inventory, host, path, text) else Owner.CHANGED
