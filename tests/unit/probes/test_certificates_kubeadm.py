"""Certificates as kubeadm lays them out on a control plane with stacked etcd: files, kubeconfigs that embed theirs,
and kubelet's own, which it renews into one file with its key."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.configs.certificate_files import certificate_files, token_key_files
from haconsole.configs.layout import Layout, layout
from haconsole.inventory.schema import Deployment, Etcd, EtcdPlacement, Host, Inventory, KeyAlgorithm, Kubernetes
from haconsole.model.certificate import Certificate
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.pki.authority import Authority, make_authority
from haconsole.pki.keys import make_private_key, make_token_keys
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.probes.certificate.parse import Surroundings, certificates
from haconsole.probes.certificate.reader_script import FILES, of_kubeconfigs, parse_files, sections, with_files
from haconsole.probes.script import ARGV, FrameReader, SectionAnswer, answers, render

NOW = datetime.now(UTC)
P256 = KeyAlgorithm.ECDSA_P256
SERVED_BY = {
    "ca": ("apiserver", "apiserver-kubelet-client"),
    "etcd/ca": ("etcd/server", "etcd/peer", "etcd/healthcheck-client", "apiserver-etcd-client"),
    "front-proxy-ca": ("front-proxy-client",),
}
KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {ca}
    server: https://10.99.0.100:8443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: {user}
  name: {user}@kubernetes
current-context: {user}@kubernetes
kind: Config
preferences: {{}}
users:
- name: {user}
  user:
"""


class Kubeadm:
    """A control plane's /etc/kubernetes and kubelet's folder, below a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.config, self.pki, self.kubelet = folder / "kubernetes", folder / "kubernetes/pki", folder / "kubelet/pki"
        self.proc = folder / "proc"
        for result in (self.pki / "etcd", self.kubelet, self.proc / "7"):
            result.mkdir(parents=True)
        for ca, leaves in SERVED_BY.items():
            authority = make_authority(ca, algorithm=P256, days=3650, now=NOW)
            self.put(self.pki / f"{ca}.crt", authority.certificate, 0o644)
            self.put(self.pki / f"{ca}.key", authority.key.pem)
            for leaf in leaves:
                cert, key = self.leaf(authority, leaf)
                self.put(self.pki / f"{leaf}.crt", cert, 0o644)
                self.put(self.pki / f"{leaf}.key", key)
            if ca == "ca":
                self.kubernetes = authority
        tokens = make_token_keys()
        self.put(self.pki / "sa.pub", tokens.public)
        self.put(self.pki / "sa.key", tokens.private.pem)
        for name in ("admin", "super-admin", "controller-manager", "scheduler"):
            self.kubeconfig(name)
        self.kubelets_own()

    def leaf(self, authority: Authority, name: str) -> tuple[bytes, bytes]:
        key = make_private_key(P256)
        return sign_leaf(authority, Leaf(name), key.load().public_key(), days=365, now=NOW), key.pem

    def put(self, path: Path, data: bytes, mode: int = 0o600) -> None:
        path.write_bytes(data)
        path.chmod(mode)

    def head(self, user: str) -> str:
        return KUBECONFIG.format(ca=b64encode(self.kubernetes.certificate).decode(), user=user)

    def kubeconfig(self, name: str) -> None:
        cert, key = (b64encode(one).decode() for one in self.leaf(self.kubernetes, name))
        text = f"{self.head(name)}    client-certificate-data: {cert}\n    client-key-data: {key}\n"
        self.put(self.config / f"{name}.conf", text.encode())

    def kubelets_own(self) -> None:
        """kubelet.conf names one file for both, a link to the newest."""
        newest, current = self.kubelet / "kubelet-client-2026.pem", self.kubelet / "kubelet-client-current.pem"
        self.put(newest, b"".join(self.leaf(self.kubernetes, "system:node:cp1")))
        current.symlink_to(newest)
        names = f"    client-certificate: {current}\n    client-key: {current}\n"
        self.put(self.config / "kubelet.conf", f"{self.head('default-auth')}{names}".encode())
        (self.proc / "7/comm").write_text("kubelet\n")
        flags = (
            "/usr/bin/kubelet",
            f"--kubeconfig={self.config}/kubelet.conf",
            "--config=/var/lib/kubelet/config.yaml",
        )
        (self.proc / "7/cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in flags))

    @property
    def layout(self) -> Layout:
        return layout(
            Inventory(
                cluster="lab",
                hosts=(HOST,),
                etcd=Etcd(placement=EtcdPlacement.STATIC_POD),
                kubernetes=Kubernetes(
                    deployment=Deployment.KUBEADM, pki_dir=str(self.pki), config_dir=str(self.config)
                ),
            )
        )

    def look(self) -> tuple[dict[str, Certificate], tuple[str, ...]]:
        """By role, and what could not be read."""
        files = certificate_files(self.layout, HOST)
        script = render(sections(files, ("127.0.0.1",), token_key_files(self.layout, HOST), proc=str(self.proc)))
        script = script.replace(b'"$(static_pod_folder)"', f'"{self.config}/manifests"'.encode())
        outcome = subprocess.run(ARGV, input=script, capture_output=True, timeout=30)
        assert b"PRIVATE" not in outcome.stdout
        reader = FrameReader()
        events = [
            each for each in map(reader.take, outcome.stdout.decode().splitlines()) if isinstance(each, SectionAnswer)
        ]
        output = parse_files(next(each for each in events if each.section == FILES))
        further = of_kubeconfigs(output)
        if further:
            outcome = subprocess.run(ARGV, input=render((further,)), capture_output=True, timeout=30)
            output = with_files(output, parse_files(answers(outcome.stdout.decode())[0]))
        result, notes = certificates(files, output, Surroundings(HostName("cp1"), NOW, {}, {}))
        return {one.role: one for one in result}, notes


HOST = Host(name="cp1", address="127.0.0.1", roles=(Role.ETCD, Role.CONTROL_PLANE))


@pytest.fixture
def kubeadm(tmp_path: Path) -> Kubeadm:
    return Kubeadm(tmp_path)


def test_every_certificate_is_found_where_kubeadm_puts_it(kubeadm: Kubeadm) -> None:
    result, notes = kubeadm.look()
    assert notes == ()
    assert {role: one.path.removeprefix(str(kubeadm.config.parent)) for role, one in result.items()} == {
        "etcd-ca": "/kubernetes/pki/etcd/ca.crt",
        "etcd-server": "/kubernetes/pki/etcd/server.crt",
        "etcd-peer": "/kubernetes/pki/etcd/peer.crt",
        "etcd-client": "/kubernetes/pki/etcd/healthcheck-client.crt",
        "kubernetes-ca": "/kubernetes/pki/ca.crt",
        "front-proxy-ca": "/kubernetes/pki/front-proxy-ca.crt",
        "apiserver": "/kubernetes/pki/apiserver.crt",
        "apiserver-etcd-client": "/kubernetes/pki/apiserver-etcd-client.crt",
        "apiserver-kubelet-client": "/kubernetes/pki/apiserver-kubelet-client.crt",
        "front-proxy-client": "/kubernetes/pki/front-proxy-client.crt",
        **{
            role: f"/kubernetes/{name}.conf"
            for name in ("admin", "super-admin", "controller-manager", "scheduler")
            for role in (name, f"{name}-ca")
        },
        "kubelet": "/kubelet/pki/kubelet-client-current.pem",
        "kubelet-ca": "/kubernetes/kubelet.conf",
    }


def test_kubelets_pair_is_found_while_kubelet_does_not_run(kubeadm: Kubeadm) -> None:
    """An expired one keeps kubelet from running, and must not vanish with its process."""
    (kubeadm.proc / "7/comm").unlink()
    result, notes = kubeadm.look()
    assert notes == ()
    assert result["kubelet"].path == str(kubeadm.kubelet / "kubelet-client-current.pem")
    assert (result["kubelet"].key_matches, result["kubelet"].chain_ok) == (True, True)


def test_a_component_that_does_not_run_uses_the_files_of_its_manifest(kubeadm: Kubeadm) -> None:
    """They win over files at the usual places that are not there."""
    for ending in ("crt", "key"):
        (kubeadm.pki / f"apiserver.{ending}").rename(kubeadm.pki / f"own.{ending}")
    _, notes = kubeadm.look()
    assert [note.split(":")[0] for note in notes] == ["apiserver"]
    manifests = kubeadm.config / "manifests"
    manifests.mkdir()
    words = (
        "kube-apiserver",
        f"--tls-cert-file={kubeadm.pki}/own.crt",
        f"--tls-private-key-file={kubeadm.pki}/own.key",
    )
    listed = "".join(f"    - {word}\n" for word in words)
    (manifests / "kube-apiserver.yaml").write_text(f"spec:\n  containers:\n  - command:\n{listed}")
    result, notes = kubeadm.look()
    assert notes == ()
    assert (result["apiserver"].path, result["apiserver"].key_matches) == (f"{kubeadm.pki}/own.crt", True)


def test_all_of_them_are_sound(kubeadm: Kubeadm) -> None:
    result, _ = kubeadm.look()
    leaves = [one for one in result.values() if not one.is_ca]
    assert {one.role: one.problem for one in result.values() if one.problem} == {}
    assert {one.role for one in leaves if not (one.key_matches and one.chain_ok)} == set()
    assert {one.key_mode for one in leaves} == {0o600}


def test_an_older_super_admin_is_not_missed(kubeadm: Kubeadm) -> None:
    """kubeadm makes it from 1.29 on, and only on the first control plane."""
    (kubeadm.config / "super-admin.conf").unlink()
    result, notes = kubeadm.look()
    assert ("super-admin" in result, notes) == (False, ())


def test_a_kubeconfig_that_was_not_renewed_with_the_ca_is_reported(kubeadm: Kubeadm) -> None:
    kubeadm.kubernetes = make_authority("another", algorithm=P256, days=1, now=NOW)
    kubeadm.kubeconfig("scheduler")
    result, _ = kubeadm.look()
    assert "was not signed by the CA in use" in str(result["scheduler"].problem)
    assert "is not the CA in use" in str(result["scheduler-ca"].problem)
