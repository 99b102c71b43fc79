"""Certificates inside kubeconfigs, and those that a kubelet uses."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.configs.certificate_files import CertificateFile
from haconsole.pki.authority import make_authority
from haconsole.pki.bundle import fingerprint_of
from tests.fakes.pki_folder import CA, NOW, P256, Pki, kubeconfig


def test_a_certificate_inside_a_kubeconfig(pki: Pki) -> None:
    cert = b64encode(pki.leaf("admin")).decode()
    key = b64encode(Path(pki.path("admin.key")).read_bytes()).decode()
    pki.put("admin.conf", kubeconfig({}, {"client-certificate-data": cert, "client-key-data": key}), 0o600)
    file = CertificateFile("admin", pki.path("admin.conf"), None, pki.path("ca.crt"), kubeconfig=True)
    ca = CertificateFile("etcd-ca", pki.path("ca.crt"), None, None)
    (result, _), notes, _ = pki.look(file, ca)
    assert (result.subject, result.key_matches, result.key_mode, result.chain_ok) == ("CN=admin", True, 0o600, True)
    assert (result.problem, notes) == (None, ())


def test_a_kubeconfig_without_its_context_is_reported(pki: Pki) -> None:
    pki.leaf("admin")
    pki.put("admin.conf", b"current-context: gone", 0o600)
    file = CertificateFile("admin", pki.path("admin.conf"), None, pki.path("ca.crt"), kubeconfig=True)
    _, notes, _ = pki.look(file)
    assert notes == (f"admin: {file.cert} cannot be used: the kubeconfig has no context 'gone'",)


def test_the_ca_inside_a_kubeconfig_must_be_the_one_in_use(pki: Pki) -> None:
    cert = pki.leaf("admin")
    other = make_authority("kubernetes", algorithm=P256, days=1, now=NOW).certificate
    for ca, output in ((CA.certificate, True), (other, False)):
        authority = {"certificate-authority-data": b64encode(ca).decode()}
        text = kubeconfig(authority, {"client-certificate-data": b64encode(cert).decode()})
        pki.put("admin.conf", text, 0o600)
        file = CertificateFile("admin", pki.path("admin.conf"), None, pki.path("ca.crt"), kubeconfig=True)
        result, _, _ = pki.look(file, CertificateFile("etcd-ca", pki.path("ca.crt"), None, None))
        (inside,) = [one for one in result if one.role == "admin-ca"]
        assert (inside.is_ca, inside.chain_ok) == (True, output)
        assert (inside.problem is None) is output


def test_a_kubeconfig_that_names_other_files_than_the_layout_is_followed(pki: Pki) -> None:
    pki.leaf("elsewhere")
    user = {"client-certificate": pki.path("elsewhere.crt"), "client-key": "./elsewhere.key"}
    pki.put("admin.conf", kubeconfig({}, user), 0o600)
    file = replace(pki.file("admin", "admin"), named_in=pki.path("admin.conf"))
    (result,), notes, _ = pki.look(file)
    assert (result.role, result.path, result.key_matches) == ("admin", pki.path("elsewhere.crt"), True)
    assert (result.chain_ok, result.issued_by, notes) == (True, fingerprint_of(CA.certificate), ())


@pytest.mark.parametrize("holds", ["names", "holds"])
def test_the_ca_that_a_kubelet_trusts_is_read_with_its_certificate(pki: Pki, holds: str) -> None:
    pki.leaf("node")
    ca = {"certificate-authority": pki.path("ca.crt")}
    if holds == "holds":
        ca = {"certificate-authority-data": b64encode(CA.certificate).decode()}
    user = {"client-certificate": pki.path("node.crt"), "client-key": pki.path("node.key")}
    pki.put("kubelet.conf", kubeconfig(ca, user), 0o600)
    pki.process(9, "kubelet", "/usr/bin/kubelet", "--v", "2", f"--kubeconfig={pki.path('kubelet.conf')}", "word")
    result, notes, _ = pki.look()
    output = {one.role: one for one in result}
    assert (set(output), notes) == ({"kubelet", "kubelet-ca"}, ())
    where = pki.path("ca.crt" if holds == "names" else "kubelet.conf")
    assert (output["kubelet-ca"].path, output["kubelet-ca"].in_kubeconfig) == (where, holds == "holds")
    assert (output["kubelet"].path, output["kubelet"].key_path) == (pki.path("node.crt"), pki.path("node.key"))
    assert not output["kubelet"].in_kubeconfig


def test_a_ca_that_a_kubeconfig_names_must_be_the_one_in_use(pki: Pki) -> None:
    pki.leaf("node")
    pki.put("other.crt", make_authority("etcd-ca", algorithm=P256, days=3650, now=NOW).certificate)
    user = {"client-certificate": pki.path("node.crt"), "client-key": pki.path("node.key")}
    pki.put("kubelet.conf", kubeconfig({"certificate-authority": pki.path("other.crt")}, user), 0o600)
    pki.process(9, "kube-apiserver", "/usr/bin/kube-apiserver", f"--client-ca-file={pki.path('ca.crt')}")
    pki.process(10, "kubelet", "/usr/bin/kubelet", f"--kubeconfig={pki.path('kubelet.conf')}")
    result, _, _ = pki.look()
    output = {one.role: one for one in result}
    assert output["kubelet-ca"].chain_ok is False
    assert "is not the CA in use" in (output["kubelet-ca"].problem or "")


@pytest.mark.parametrize("pair", ["embedded", "files"])
@pytest.mark.parametrize(
    ("config", "flag", "own"),
    [
        ("rotateCertificates: true", "", True),
        ('{"rotateCertificates": true}', "", True),
        ("rotateCertificates: false", "", False),
        ("# rotateCertificates: true", "", False),
        ("rotateCertificates: false", "--rotate-certificates", True),
        ("rotateCertificates: true", "--rotate-certificates=false", False),
    ],
)
def test_a_kubelet_that_renews_uses_its_own_pair(pki: Pki, pair: str, config: str, flag: str, own: bool) -> None:
    """Such a kubelet uses its own pair once it has made one, whatever its kubeconfig contains or names."""
    pki.leaf("node")
    cert = pki.leaf("made")
    current = "kubelet-client-current.pem"
    pki.put(current, cert + (pki.folder / "made.key").read_bytes(), 0o600)
    names = {"client-certificate": "node.crt", "client-key": "node.key"}
    user = {name: pki.path(file) for name, file in names.items()}
    if pair == "embedded":
        user = {f"{name}-data": b64encode((pki.folder / file).read_bytes()).decode() for name, file in names.items()}
    pki.put("kubelet.conf", kubeconfig({"certificate-authority": pki.path("ca.crt")}, user), 0o600)
    pki.put("config.yaml", f"kind: KubeletConfiguration\n{config}\n".encode())
    words = (f"--kubeconfig={pki.path('kubelet.conf')}", "--config", pki.path("config.yaml"), *filter(None, (flag,)))
    pki.process(9, "kubelet", "/usr/bin/kubelet", *words, f"--cert-dir={pki.folder}")
    result, notes, _ = pki.look()
    (output,) = (one for one in result if one.role == "kubelet")
    content = ("kubelet.conf", "kubelet.conf") if pair == "embedded" else ("node.crt", "node.key")
    assert (output.path, output.key_path) == tuple(map(pki.path, (current, current) if own else content))
    assert (output.in_kubeconfig, output.key_matches) == (pair == "embedded" and not own, True)
    assert (notes, {one.role for one in result}) == ((), {"kubelet", "kubelet-ca"})
