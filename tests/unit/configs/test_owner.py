"""The mark and seal of a balancer's files: what shows that a file is this console's, unchanged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from haconsole.configs.balancer_files import as_0_1_wrote_it, haproxy_files, keepalived_files
from haconsole.configs.haproxy import haproxy_cfg
from haconsole.configs.keepalived import keepalived_check
from haconsole.configs.layout import layout
from haconsole.configs.owner import OPEN_SEAL, SEAL, close_seal, owner_of, seal, unsealed
from haconsole.execution.secrets import fill_in
from haconsole.inventory.schema import Host, Inventory, VirtualIp
from haconsole.model.hosts import Role
from haconsole.scripts import load_script
from tests.unit.configs import samples
from tests.unit.configs.test_golden import balancer_files

pytestmark = pytest.mark.usefixtures("posix_shell")

OWNER_OF = f'{load_script("lib/owner-of")}\nowner_of "$1"'
OLD = Path(__file__).parent / "written_by_0_1"
INVENTORIES: dict[str, Callable[[], Inventory]] = {
    "lab": samples.lab,
    "spread": samples.spread,
    "ipv6": samples.ipv6,
    "kubeadm": samples.kubeadm,
}
KINDS = ("haproxy.cfg", "haproxy.drop-in", "keepalived.conf", "check-apiserver", "keepalived.drop-in")


def path_of(inventory: Inventory, kind: str) -> str:
    places = layout(inventory)
    return dict(zip(KINDS, (*haproxy_files(places), *keepalived_files(places)), strict=True))[kind]


def old_file(kind: str, case: str = "lab") -> str:
    return (OLD / case / kind).read_text().replace("@secret:vrrp-auth/10.99.0.100@", "s3cret")


def ours(inventory: Inventory, kind: str, text: str) -> bool:
    return as_0_1_wrote_it(inventory, inventory.hosts[0], path_of(inventory, kind), text)


def printed_owner(folder: Path, text: str | bytes, programs: dict[str, str] | None = None) -> str:
    """The owner that the host's shell prints for a file with this content; `programs` replace the distribution's."""
    file, bin_ = folder / "file", folder / "bin"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    bin_.mkdir(exist_ok=True)
    for name, body in {"dpkg-query": "exit 1", "rpm": "exit 1", **(programs or {})}.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_ / name).chmod(0o755)
    return shell(folder, OWNER_OF, str(file)).stdout.strip()


def shell(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    argv = ("sh", "-c", script, "sh", *words)
    return subprocess.run(argv, capture_output=True, text=True, env={"PATH": path}, timeout=20)


@pytest.mark.parametrize("kind", ["haproxy.cfg", "haproxy.drop-in", "check-apiserver", "keepalived.conf"])
def test_a_file_as_written_is_ours_and_any_edit_of_it_shows(kind: str, tmp_path: Path) -> None:
    lab = samples.lab()
    text = fill_in(balancer_files(lab)[kind], lab)
    assert owner_of(text) == lab.cluster
    assert printed_owner(tmp_path, text) == f"ours {lab.cluster}"
    assert printed_owner(tmp_path, text + "# by hand\n") == f"changed {lab.cluster}"
    assert printed_owner(tmp_path, text.rstrip("\n")) == f"changed {lab.cluster}"
    assert (
        printed_owner(tmp_path, text.replace("haconsole: sha256 ", "haconsole: sha256 0")) == f"changed {lab.cluster}"
    )


def test_a_mark_counts_in_a_last_line_without_its_end(tmp_path: Path) -> None:
    assert printed_owner(tmp_path, "# haconsole: cluster lab") == "unsealed lab"


def test_a_password_that_was_changed_shows(tmp_path: Path) -> None:
    lab = samples.lab()
    text = balancer_files(lab)["keepalived.conf"]
    assert f"{SEAL}{OPEN_SEAL}" in text, "its sum is not known before the password is filled in"
    filled = fill_in(text, lab)
    assert samples.PASSWORD in filled
    assert printed_owner(tmp_path, filled.replace(samples.PASSWORD, "other")) == f"changed {lab.cluster}"


def test_sealing_again_changes_nothing() -> None:
    text = keepalived_check(samples.lab())
    assert seal(text) == text
    assert close_seal(text) == text
    assert SEAL not in unsealed(text)
    with pytest.raises(ValueError, match="no seal"):
        seal("global\n")


def test_what_somebody_else_wrote_is_foreign(tmp_path: Path) -> None:
    assert printed_owner(tmp_path, "global\n  daemon\n") == "foreign -"
    body = unsealed(haproxy_cfg(samples.lab()))
    assert printed_owner(tmp_path, body.partition("\n")[2]) == "foreign -", "the mark is what makes it ours"
    assert printed_owner(tmp_path, b"") == "absent -"
    assert shell(tmp_path, OWNER_OF, str(tmp_path / "none")).stdout == "absent -\n"


def test_the_distributions_own_file_counts_as_such_while_nobody_changed_it(tmp_path: Path) -> None:
    stock = "global\n\tlog /dev/log local0\n"
    sums = "echo ' " + str(tmp_path / "file") + " '$(md5sum </dev/null | cut -c1-32); echo ' {} {}'"
    file = tmp_path / "file"
    file.write_text(stock)
    known = subprocess.run(("md5sum", str(file)), capture_output=True, text=True, check=True).stdout.split()[0]
    debian = {"dpkg-query": sums.format(file, known)}
    assert printed_owner(tmp_path, stock, debian) == "package -"
    assert printed_owner(tmp_path, stock + "# by hand\n", debian) == "foreign -"
    unchanged = {"rpm": 'case $1 in -qf) exit 0 ;; *) echo "S.5....T.  c /etc/other.cfg" ;; esac'}
    assert printed_owner(tmp_path, stock, unchanged) == "package -"
    changed = {"rpm": f'case $1 in -qf) exit 0 ;; *) echo "S.5....T.  c {file}" ;; esac'}
    assert printed_owner(tmp_path, stock, changed) == "foreign -"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (haproxy_cfg(samples.lab()), ""),
        (unsealed(haproxy_cfg(samples.lab())), ""),
        (haproxy_cfg(samples.lab()) + "# by hand\n", "was changed since haconsole wrote it"),
        (haproxy_cfg(samples.spread()), "was not written by haconsole for cluster lab"),
        ("global\n", "was not written by haconsole for cluster lab"),
    ],
)
def test_a_step_looks_again_before_it_writes(text: str, message: str, tmp_path: Path) -> None:
    assert samples.lab().cluster == "lab"
    printed_owner(tmp_path, text)
    result = shell(tmp_path, load_script("check-may-write"), "lab", str(tmp_path / "file"))
    assert result.returncode == bool(message)
    assert message in result.stderr


@pytest.mark.parametrize("case", INVENTORIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_0_1_is_ours(case: str, kind: str, tmp_path: Path) -> None:
    inventory = INVENTORIES[case]()
    text = old_file(kind, case)
    assert printed_owner(tmp_path, text) == f"unsealed {inventory.cluster}"
    assert ours(inventory, kind, text)


def test_a_file_of_0_1_stays_ours_while_hosts_and_vips_come_and_go() -> None:
    lab = samples.lab()
    more = Host(name="cp4", address="10.99.0.14", roles=(Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER))
    vips = (*lab.vips, VirtualIp(address="10.99.0.101/24", router_id=52))
    others = (
        msgspec.structs.replace(lab, hosts=(*lab.hosts, more)),
        msgspec.structs.replace(lab, hosts=lab.hosts[:1]),
        msgspec.structs.replace(lab, vips=vips),
    )
    assert all(ours(other, kind, old_file(kind)) for other in others for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("haproxy.cfg", "timeout client 10m", "timeout client 1h"),
        ("haproxy.cfg", "option httpchk GET /readyz", "option httpchk GET /livez"),
        ("haproxy.cfg", "frontend haconsole_health", "frontend web\n    bind *:80\nfrontend haconsole_health"),
        ("haproxy.cfg", "server cp2 10.99.0.12:6443", "server cp2 10.99.0.12:6443 backup"),
        ("keepalived.conf", "track_script", "notify /usr/local/bin/notify\n    track_script"),
        ("keepalived.conf", "fall 2", "fall 10"),
        ("check-apiserver", "read -r -t 1", "read -r -t 5"),
        ("keepalived.drop-in", "RestartSec=1", "RestartSec=9"),
    ],
)
def test_an_edit_of_a_file_of_0_1_shows(kind: str, old: str, new: str) -> None:
    text = old_file(kind)
    assert old in text
    assert not ours(samples.lab(), kind, text.replace(old, new, 1))
