"""Rules about files and folders on hosts, which must differ, and about the lifetime of certificates."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.inventory import effective
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault
from haconsole.inventory.schema import Inventory

Way = tuple[str, ...]


def paths_are_apart(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    """No file is named twice; etcd's data folder is its own, because it is renamed as one."""
    files, folders = _files(inventory), _folders(inventory)
    first: dict[str, Way] = {}
    for where, path in files:
        other = first.setdefault(path, where)
        if other != where:
            what = f"{'.'.join(where)} and {'.'.join(other)} are both {path}"
            mark_path = where if where in marks.values else other
            yield Fault(marks.at(*mark_path), what, "give each of them a separate file")
    for where, path in folders:
        if path.count("/") < 2:
            what = f"{'.'.join(where)} is {path}, a folder of the system"
            yield Fault(marks.at(*where), what, "choose a separate folder, at least two levels below /")
    data = inventory.etcd.data_dir
    for where, path in (*files, *folders):
        if where != ("etcd", "data_dir") and f"{path}/".startswith(f"{data}/"):
            what = f"{'.'.join(where)} {path} is inside etcd.data_dir {data}, which some actions rename"
            mark_path = where if where in marks.values else ("etcd", "data_dir")
            yield Fault(marks.at(*mark_path), what, "choose a path outside etcd.data_dir")


def certificates_end_before_their_authority(inventory: Inventory, marks: Marks) -> Iterator[Fault]:
    pki = inventory.pki
    if pki.leaf_days > pki.ca_days:
        what = f"pki.leaf_days is {pki.leaf_days}, longer than the CA lives (ca_days {pki.ca_days})"
        yield Fault(marks.at("pki", "leaf_days"), what, f"write {pki.ca_days} or less")


def _files(inventory: Inventory) -> tuple[tuple[Way, str], ...]:
    files: list[tuple[Way, str]] = [
        (("etcd", "config_file"), inventory.etcd.config_file),
        (("etcd", "binary"), inventory.etcd.binary),
        (("keepalived", "config_file"), inventory.keepalived.config_file),
        (("keepalived", "down_file"), inventory.keepalived.down_file),
    ]
    if balancer := effective.haproxy(inventory):
        files.append((("haproxy", "config_file"), balancer.config_file))
        files.append((("haproxy", "stats_socket"), balancer.stats_socket))
    return tuple(files)


def _folders(inventory: Inventory) -> tuple[tuple[Way, str], ...]:
    folders: list[tuple[Way, str]] = [
        (("etcd", "data_dir"), inventory.etcd.data_dir),
        (("etcd", "pki_dir"), inventory.etcd.pki_dir),
    ]
    if kubernetes := inventory.kubernetes:
        folders.append((("kubernetes", "pki_dir"), kubernetes.pki_dir))
        folders.append((("kubernetes", "config_dir"), kubernetes.config_dir))
    return tuple(folders)
