"""The scripts that replace CAs, run by this machine's shell on real bundles."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.actions.bootstrap.certificates import FIRST, FIRST_IS
from haconsole.actions.rotation.ca import kubeadm, scripts
from haconsole.inventory.schema import KeyAlgorithm
from haconsole.pki.authority import Authority, make_authority
from haconsole.pki.bundle import fingerprint_of, load_certificates
from haconsole.pki.keys import make_private_key
from haconsole.pki.leaf import Leaf, sign_leaf

pytestmark = pytest.mark.usefixtures("posix_shell")

NOW = datetime.now(UTC)
P256 = KeyAlgorithm.ECDSA_P256
END = "20260301T030000Z"
OLD, NEW = (make_authority(name, algorithm=P256, days=10, now=NOW) for name in ("old", "new"))


class Host:
    """A folder with a CA and the one that comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.put("ca", OLD)
        self.put("ca-next", NEW)

    def put(self, name: str, authority: Authority) -> None:
        (self.folder / f"{name}.crt").write_bytes(authority.certificate)
        (self.folder / f"{name}.key").write_bytes(authority.key.pem)
        (self.folder / f"{name}.key").chmod(0o600)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def holds(self, name: str = "ca.crt") -> list[str]:
        return [one.subject.rfc4514_string() for one in load_certificates((self.folder / name).read_bytes())]

    def run(self, script: str, *words: str, options: str = "-ec") -> subprocess.CompletedProcess[str]:
        return subprocess.run(("sh", options, script.strip(), "rotate", *words), capture_output=True, text=True)

    def does(self, script: str, *words: str) -> str:
        result = self.run(script, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def checks(self, script: str, *words: str) -> bool:
        return self.run(script, *words, options="-c").returncode == 0

    def join(self) -> str:
        return self.does(scripts.JOIN, self.path("ca.crt"), self.path("ca-next.crt"), END)

    def drop(self) -> str:
        files = ("ca.crt", "ca-next.crt", "ca.key", "ca-next.key", "ca-previous.key")
        return self.does(scripts.DROP, *map(self.path, files), END)

    def is_dropped(self, of: Authority, next_file: str = "ca-next.key") -> bool:
        return self.checks(scripts.DROPPED, self.path("ca.crt"), self.path(next_file), fingerprint_of(of.certificate))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_both_are_trusted_in_order_and_once_only(host: Host) -> None:
    both = (host.path("ca.crt"), host.path("ca-next.crt"))
    assert not host.checks(scripts.HOLDS, *both)
    assert host.join() == f"wrote {both[0]}; the previous file is {host.folder}/.ca.crt.{END}\n"
    assert host.checks(scripts.HOLDS, *both)
    assert (host.join(), host.holds()) == ("", ["CN=old", "CN=new"])
    assert not host.checks(scripts.GONE, both[0], fingerprint_of(OLD.certificate))


def test_the_older_one_is_dropped_with_its_key_and_kept_for_root(host: Host) -> None:
    host.join()
    assert not host.is_dropped(OLD)
    host.drop()
    assert (host.is_dropped(OLD), host.holds()) == (True, ["CN=new"])
    assert (host.folder / "ca-next.crt").exists(), "the rotation is unfinished until ConfigMaps and tokens are changed"
    assert (host.folder / "ca.key").read_bytes() == NEW.key.pem
    assert (host.folder / f".ca.key.{END}").read_bytes() == OLD.key.pem
    assert {path.stat().st_mode & 0o777 for path in host.folder.glob(".ca*")} == {0o600}
    assert host.checks(scripts.GONE, host.path("ca.crt"), fingerprint_of(OLD.certificate))


def test_a_drop_cut_off_after_the_key_keeps_the_older_key_all_the_same(host: Host) -> None:
    host.join()
    whole = scripts.DROP
    cut = whole.replace('backup "$cert"; cp', 'exit 0; backup "$cert"; cp')
    assert cut != whole
    host.does(cut, *map(host.path, ("ca.crt", "ca-next.crt", "ca.key", "ca-next.key", "x")), END)
    assert (host.is_dropped(OLD), (host.folder / "ca.key").read_bytes()) == (False, NEW.key.pem)
    host.drop()
    assert host.is_dropped(OLD)
    assert (host.folder / f".ca.key.{END}").read_bytes() == OLD.key.pem


def test_a_host_that_verifies_only_has_no_key_and_gets_none(host: Host) -> None:
    for name in ("ca.key", "ca-next.key"):
        (host.folder / name).unlink()
    host.join()
    host.drop()
    assert (host.is_dropped(OLD), (host.folder / "ca.key").exists()) == (True, False)


def test_the_undo_does_not_touch_the_older_one(host: Host) -> None:
    host.join()
    words = (*map(host.path, ("ca.crt", "ca-next.crt", "ca-next.key")), fingerprint_of(NEW.certificate), END)
    host.does(scripts.BACK, *words)
    assert (host.holds(), host.is_dropped(NEW, "ca-next.crt")) == (["CN=old"], True)
    assert (host.folder / f".ca-next.key.{END}").read_bytes() == NEW.key.pem
    host.does(scripts.BACK, *words)
    assert host.holds() == ["CN=old"]


def test_token_keys_switched_and_restored(host: Host) -> None:
    key, after, previous = (host.path(name) for name in ("ca.key", "ca-next.key", "ca-previous.key"))
    host.does(scripts.SWITCH, key, after, previous, END)
    host.does(scripts.SWITCH, key, after, previous, END)
    assert host.checks(scripts.SWITCHED, key, after)
    assert Path(previous).read_bytes() == OLD.key.pem
    assert not host.checks(scripts.RESTORED, previous)
    host.does(scripts.RESTORE, key, previous, END)
    assert (Path(key).read_bytes(), host.checks(scripts.RESTORED, previous)) == (OLD.key.pem, True)
    assert Path(key).stat().st_mode & 0o777 == 0o600


def test_leaves_verify_with_only_the_new_one_and_lose_their_cross_signed_certificate(host: Host) -> None:
    leaf = sign_leaf(NEW, Leaf("a"), make_private_key(P256).load().public_key(), days=5, now=NOW)
    other = sign_leaf(OLD, Leaf("a"), make_private_key(P256).load().public_key(), days=5, now=NOW)
    (host.folder / "a.crt").write_bytes(leaf + OLD.certificate)
    (host.folder / "b.crt").write_bytes(other)
    pair = (host.path("ca-next.crt"), host.path("a.crt"))
    assert host.checks(scripts.VERIFIES, *pair)
    assert not host.checks(scripts.VERIFIES, *pair, host.path("ca-next.crt"), host.path("b.crt"))
    assert not host.checks(scripts.ALONE, host.path("a.crt"))
    os.utime(host.path("a.crt"), (1000, 1000))
    host.does(scripts.STRIP, host.path("a.crt"), host.path("b.crt"))
    assert (host.folder / "a.crt").stat().st_mtime == 1000, "it is the same leaf: no process restarts for it"
    assert host.checks(scripts.ALONE, host.path("a.crt"), host.path("b.crt"))
    assert (host.folder / "a.crt").read_bytes() == leaf


def test_only_the_first_of_a_bundle(host: Host) -> None:
    host.join()
    words = (host.path("ca.crt"), host.path("ca-signing.crt"))
    assert not host.checks(FIRST_IS, *words)
    host.does(FIRST, *words)
    assert (host.checks(FIRST_IS, *words), host.holds("ca-signing.crt")) == (True, ["CN=old"])


def shell(text: str, *words: str | Path) -> int:
    return subprocess.run(("sh", "-ec", text, "x", *map(str, words)), capture_output=True, timeout=20).returncode


def test_kubeconfigs_embed_what_the_file_of_the_ca_holds(tmp_path: Path) -> None:
    ca, embeds, names = tmp_path / "ca.crt", tmp_path / "admin.conf", tmp_path / "other.conf"
    ca.write_text("old\nnew\n")
    head = "clusters:\n- cluster:\n    certificate-authority-data: b2xkCg==\n    server: https://x\n"
    embeds.write_text(f"{head}users:\n- user:\n    client-key-data: c2VjcmV0\n")
    embeds.chmod(0o600)
    names.write_text("clusters:\n- cluster:\n    certificate-authority: /ca.crt\n")
    files = (embeds, names, tmp_path / "absent.conf")
    assert shell(kubeadm.IN_SYNC, ca, *files) == 1
    assert shell(kubeadm.SYNC, ca, "end", *files) == 0
    assert shell(kubeadm.IN_SYNC, ca, *files) == 0
    assert embeds.read_text() == (
        "clusters:\n- cluster:\n    certificate-authority-data: b2xkCm5ldwo=\n    server: https://x\n"
        "users:\n- user:\n    client-key-data: c2VjcmV0\n"
    )
    assert embeds.stat().st_mode & 0o777 == 0o600
    assert names.read_text().endswith("certificate-authority: /ca.crt\n")
    assert (tmp_path / ".admin.conf.end").exists()
    assert not (tmp_path / ".other.conf.end").exists()


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_flag_of_a_manifest_gets_another_value_and_no_copy_stays(tmp_path: Path, quote: str) -> None:
    manifest = tmp_path / "kube-controller-manager.yaml"
    text = f"  - {quote}--cluster-signing-cert-file=/pki/ca.crt{quote}\n  - --cluster-signing-key-file=/pki/ca.key\n"
    manifest.write_text(text)
    manifest.chmod(0o600)
    flag = "cluster-signing-cert-file"
    assert shell(kubeadm.HAS_FLAG, manifest, flag, "/pki/ca.crt") == 0
    assert shell(kubeadm.HAS_FLAG, manifest, flag, "/pki/ca") == 1
    assert shell(kubeadm.SET_FLAG, manifest, flag, "/pki/ca-signing.crt") == 0
    assert shell(kubeadm.HAS_FLAG, manifest, flag, "/pki/ca-signing.crt") == 0
    assert manifest.read_text() == text.replace("/pki/ca.crt", "/pki/ca-signing.crt")
    assert manifest.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [manifest.name]
