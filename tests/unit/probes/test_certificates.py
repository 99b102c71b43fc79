"""Certificates in files, their keys and what is served, read by the real script and openssl on this machine."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from haconsole.configs.certificate_files import CertificateFile
from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.pki.authority import make_authority
from haconsole.pki.bundle import fingerprint_of
from haconsole.pki.keys import make_private_key, make_token_keys
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.pki.names import is_named
from haconsole.probes.certificate.parse import Surroundings, certificates, token_keys
from haconsole.probes.certificate.reader_script import (
    ENDPOINT,
    FILES,
    SERVED,
    HostCertificates,
    of_kubeconfigs,
    parse_endpoint,
    parse_files,
    parse_served,
    sections,
    with_files,
)
from haconsole.probes.script import ARGV, FrameReader, Section, SectionAnswer, answers, render

NOW = datetime.now(UTC)
P256 = KeyAlgorithm.ECDSA_P256
CA = make_authority("etcd-ca", algorithm=P256, days=3650, now=NOW)


class Pki:
    """A CA and leaves in a folder, and a /proc of one's own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.proc = folder, folder / "proc"
        self.proc.mkdir()
        self.put("ca.crt", CA.certificate)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def put(self, name: str, data: bytes, mode: int = 0o644) -> None:
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(mode)

    def leaf(
        self,
        name: str,
        *,
        days: int = 365,
        now: datetime = NOW,
        mode: int = 0o600,
        usages: tuple[str, ...] = ("server", "client"),
    ) -> bytes:
        key = make_private_key(P256)
        cert = sign_leaf(
            CA, Leaf(name, sans=("IP:127.0.0.1",), usages=usages), key.load().public_key(), days=days, now=now
        )
        self.put(f"{name}.crt", cert)
        self.put(f"{name}.key", key.pem, mode)
        return cert

    def file(self, role: str, name: str, port: int | None = None) -> CertificateFile:
        return CertificateFile(role, self.path(f"{name}.crt"), self.path(f"{name}.key"), self.path("ca.crt"), port)

    def process(self, pid: int, comm: str, *argv: str, environ: tuple[str, ...] = ()) -> None:
        folder = self.proc / str(pid)
        folder.mkdir()
        (folder / "comm").write_text(f"{comm}\n")
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
        (folder / "environ").write_bytes(b"".join(word.encode() + b"\0" for word in environ))

    def look(self, *files: CertificateFile) -> tuple[tuple[Certificate, ...], tuple[str, ...], HostCertificates]:
        read = self.answers(*files)
        report = parse_files(read[FILES])
        further = of_kubeconfigs(report)
        if further:
            report = with_files(report, parse_files(run_sections((further,))[FILES]))
        output = {int(name[len(SERVED) :]): parse_served(each) for name, each in read.items() if name != FILES}
        around = Surroundings(
            HostName("cp1"),
            NOW,
            {"etcd-server": ("IP:127.0.0.1",)},
            {port: each for port, each in output.items() if each},
        )
        return (*certificates(files, report, around), report)

    def answers(self, *files: CertificateFile) -> dict[str, SectionAnswer]:
        return run_sections(sections(files, ("127.0.0.1",), proc=str(self.proc)))


def run_sections(requests: tuple[Section, ...]) -> dict[str, SectionAnswer]:
    result = subprocess.run(ARGV, input=render(requests), capture_output=True, timeout=30)
    assert b"PRIVATE" not in result.stdout
    return {answer.section: answer for answer in answers(result.stdout.decode())}


def kubeconfig(cluster: dict[str, str], user: dict[str, str]) -> bytes:
    """As kubeadm writes one, with another context before the current one."""
    other = {"client-certificate-data": b64encode(b"another").decode()}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "x", "cluster": {}}, {"name": "k", "cluster": cluster}],
        "users": [{"name": "x", "user": other}, {"name": "u", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": c, "user": u}} for name, c, u in ("xxx", ("u@k", "k", "u"))],
        "current-context": "u@k",
    }
    return yaml.safe_dump(document).encode()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@contextmanager
def serving(pki: Pki, name: str) -> Iterator[int]:
    """A TLS server that requests client certificates, as etcd does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.path(f"{name}.crt"), pki.path(f"{name}.key"))
    context.load_verify_locations(pki.path("ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            accepted, _ = listening.accept()
            with accepted:
                try:
                    context.wrap_socket(accepted, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_a_sound_certificate(pki: Pki) -> None:
    pki.leaf("server")
    (result,), notes, _ = pki.look(pki.file("etcd-server", "server"))
    assert (result.subject, result.issuer, result.path) == ("CN=server", "CN=etcd-ca", pki.path("server.crt"))
    assert (result.key_matches, result.key_mode, result.chain_ok) == (True, 0o600, True)
    assert (result.problem, notes) == (None, ())


def test_what_is_served_is_compared_with_the_file(pki: Pki) -> None:
    pki.leaf("server")
    with serving(pki, "server") as port:
        (result,), _, _ = pki.look(pki.file("etcd-server", "server", port))
    assert (result.served_at, result.served_fingerprint) == (f"127.0.0.1:{port}", result.fingerprint)
    assert result.problem is None
    with serving(pki, "server") as port:
        pki.leaf("server")
        (renewed,), _, _ = pki.look(pki.file("etcd-server", "server", port))
    assert renewed.served_fingerprint == result.fingerprint != renewed.fingerprint
    assert "restart the process to load" in (renewed.problem or "")


@contextmanager
def balancing(pki: Pki, *names: str) -> Iterator[int]:
    """A balancer that gives each connection to the next of its servers."""
    contexts = []
    for name in names:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path(f"{name}.crt"), pki.path(f"{name}.key"))
        contexts.append(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for number in range(4):
                accepted, _ = listening.accept()
                with accepted, suppress(OSError):
                    contexts[number % len(contexts)].wrap_socket(accepted, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_each_server_behind_an_endpoint_presents_its_certificate(pki: Pki) -> None:
    own = {fingerprint_of(pki.leaf(name)) for name in ("one", "two", "three")}
    with balancing(pki, "one", "two", "three") as port:
        answer = run_sections(sections((), (), endpoint=("127.0.0.1", port)))[ENDPOINT]
    assert {fingerprint_of(pem.encode()) for pem in parse_endpoint(answer)} == own


def test_an_endpoint_without_an_answer_presents_nothing(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert parse_endpoint(run_sections(sections((), (), endpoint=("127.0.0.1", port)))[ENDPOINT]) == ()
    assert ENDPOINT not in run_sections(sections((), ()))


def test_nobody_serving_is_no_problem(pki: Pki) -> None:
    pki.leaf("server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (result,), _, _ = pki.look(pki.file("etcd-server", "server", port))
    assert (result.served_at, result.served_fingerprint, result.problem) == (None, None, None)


def test_a_key_of_another_certificate(pki: Pki) -> None:
    pki.leaf("server")
    pki.put("server.key", make_private_key(P256).pem, 0o600)
    (result,), _, _ = pki.look(pki.file("etcd-server", "server"))
    assert result.key_matches is False
    assert result.problem == f"does not belong to the key {pki.path('server.key')}"


def test_a_key_that_others_may_read(pki: Pki) -> None:
    pki.leaf("server", mode=0o644)
    (result,), _, _ = pki.look(pki.file("etcd-server", "server"))
    assert result.problem == "has a key that others may read (mode 0644)"


def test_time_comes_before_other_problems(pki: Pki) -> None:
    pki.leaf("server", days=1, now=NOW - timedelta(days=3), mode=0o644)
    (result,), _, _ = pki.look(pki.file("etcd-server", "server"))
    assert (result.problem or "").startswith("expired at")


def test_another_ca_and_missing_names(pki: Pki) -> None:
    pki.leaf("server")
    pki.put("ca.crt", make_authority("etcd-ca", algorithm=P256, days=1, now=NOW).certificate)
    (result,), _, _ = pki.look(pki.file("etcd-server", "server"))
    assert result.chain_ok is False
    assert result.problem == f"was not signed by the CA in use, {pki.path('ca.crt')}"


def test_a_ca_that_is_not_on_the_host_is_no_evidence_against_a_certificate(pki: Pki) -> None:
    pki.leaf("server")
    (pki.folder / "ca.crt").unlink()
    (result,), _, _ = pki.look(pki.file("etcd-server", "server"))
    assert (result.chain_ok, result.problem) == (None, None)


@pytest.mark.parametrize("signer", [True, False])
def test_an_api_server_verifies_an_external_etcd_with_the_ca_of_its_own_flags(pki: Pki, signer: bool) -> None:
    pki.leaf("client")
    other = make_authority("other", algorithm=P256, days=9, now=NOW)
    pki.put("etcd.crt", CA.certificate if signer else other.certificate)
    flags = (f"--etcd-certfile={pki.path('client.crt')}", f"--etcd-cafile={pki.path('etcd.crt')}")
    pki.process(7, "kube-apiserver", "kube-apiserver", *flags)
    pair = (pki.path("client.crt"), pki.path("client.key"))
    there = "/etc/etcd/pki/ca.crt"
    result, notes, _ = pki.look(
        CertificateFile("apiserver-etcd-client", *pair, there), CertificateFile("etcd-ca", there, None, None)
    )
    read = {one.role: (one.path, one.chain_ok) for one in result}
    assert read == {"apiserver-etcd-client": (pair[0], signer), "etcd-ca": (pki.path("etcd.crt"), None)}
    assert notes == ()


def test_an_api_server_is_verified_with_the_ca_that_the_controller_manager_publishes(pki: Pki) -> None:
    pki.leaf("serving")
    pki.put("clients.crt", make_authority("clients", algorithm=P256, days=9, now=NOW).certificate)
    serving = (f"--tls-cert-file={pki.path('serving.crt')}", f"--client-ca-file={pki.path('clients.crt')}")
    pki.process(7, "kube-apiserver", "kube-apiserver", *serving)
    pki.process(8, "kube-controller", "kube-controller-manager", f"--root-ca-file={pki.path('ca.crt')}")
    result, _, _ = pki.look()
    (apiserver,) = (one for one in result if one.role == "apiserver")
    assert (apiserver.chain_ok, apiserver.problem) == (True, None)


def test_a_ca_file_with_two_while_one_is_replaced(pki: Pki) -> None:
    new = make_authority("etcd-ca", algorithm=P256, days=1, now=NOW)
    pki.put("ca.crt", CA.certificate + new.certificate)
    pki.put("ca.key", new.key.pem, 0o600)
    result, _, _ = pki.look(CertificateFile("etcd-ca", pki.path("ca.crt"), pki.path("ca.key"), None))
    assert [(one.is_ca, one.key_matches, one.problem) for one in result] == [(True, None, None), (True, True, None)]


def test_files_that_are_missing_or_no_certificates_are_reported(pki: Pki) -> None:
    pki.put("odd.crt", b"what?")
    result, notes, _ = pki.look(pki.file("etcd-peer", "odd"), pki.file("etcd-client", "none"))
    assert result == ()
    assert notes == (
        f"etcd-peer: {pki.path('odd.crt')} contains no certificate that can be read",
        f"etcd-client: {pki.path('none.crt')} does not exist",
    )


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


def test_token_keys_by_their_fingerprints(pki: Pki) -> None:
    old, new = make_token_keys(), make_token_keys()
    pki.put("sa.pub", old.public + new.public)
    pki.put("sa.key", new.private.pem, 0o600)
    script = render(sections((), ("127.0.0.1",), (pki.path("sa.pub"), pki.path("sa.key")), proc=str(pki.proc)))
    result = subprocess.run(ARGV, input=script, capture_output=True, timeout=30)
    assert b"PRIVATE" not in result.stdout
    reader = FrameReader()
    (answer,) = [one for one in map(reader.take, result.stdout.decode().splitlines()) if isinstance(one, SectionAnswer)]
    public, private = token_keys(parse_files(answer))
    assert (len(public.fingerprints), public.private, public.mode) == (2, False, 0o644)
    assert (private.fingerprints, private.private) == ((public.fingerprints[1],), True)


def test_files_that_processes_were_given_are_found(pki: Pki) -> None:
    pki.leaf("mine")
    pki.leaf("client")
    pki.process(
        7,
        "etcd",
        "/usr/bin/etcd",
        "--name=a",
        environ=(
            f"ETCD_CERT_FILE={pki.path('mine.crt')}",
            f"ETCD_KEY_FILE={pki.path('mine.key')}",
            f"ETCD_TRUSTED_CA_FILE={pki.path('ca.crt')}",
            "ETCD_PASSWORD_KEY=hunter2",
        ),
    )
    pki.process(
        8,
        "kube-apiserver",
        "kube-apiserver",
        "--etcd-certfile",
        pki.path("client.crt"),
        f"--etcd-keyfile={pki.path('client.key')}",
        f"--etcd-cafile={pki.path('ca.crt')}",
        "--service-account-key-file=/x/sa.pub",
    )
    pki.process(9, "bash", "bash", f"--cert-file={pki.path('mine.crt')}")
    result, _, output = pki.look()
    assert {(one.role, one.path, one.key_matches, one.chain_ok) for one in result} == {
        ("etcd-ca", pki.path("ca.crt"), None, None),
        ("etcd-server", pki.path("mine.crt"), True, True),
        ("apiserver-etcd-client", pki.path("client.crt"), True, True),
    }
    assert "hunter2" not in repr(output)


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


@pytest.mark.parametrize(
    ("role", "usages", "missing"),
    [
        ("etcd-peer", ("server",), ("client",)),
        ("etcd-server", ("client",), ("server",)),
        ("apiserver-etcd-client", ("server",), ("client",)),
        ("scheduler", ("server",), ("client",)),
        ("etcd-peer", ("server", "client"), ()),
        ("unknown", ("server",), ()),
    ],
)
def test_a_certificate_that_its_role_cannot_use(
    pki: Pki, role: str, usages: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    pki.leaf("one", usages=usages)
    ((certificate,), _, _) = pki.look(pki.file(role, "one"))
    assert certificate.missing_usages == missing
    assert bool(certificate.problem) == bool(missing)


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


def test_a_key_that_disappears_while_it_is_read_costs_no_certificate() -> None:
    output = "@cert /a.crt\nA\n@key  /a.key\n@kubeconfig  /a.conf\n@token  /sa.key\n@key 600 /b.key\nB"
    read = parse_files(SectionAnswer(FILES, output, "", 0))
    assert (set(read.certs), set(read.keys), read.kubeconfigs, read.tokens) == ({"/a.crt"}, {"/b.key"}, {}, {})


def test_names_that_cannot_be_read_are_not_called_missing(pki: Pki) -> None:
    odd = (Path(__file__).parents[1] / "pki/odd/x400-name.crt").read_text()
    file = CertificateFile("apiserver", "/a.crt", None, None)
    around = Surroundings(HostName("a"), datetime(2026, 11, 30, tzinfo=UTC), {"apiserver": ("DNS:a",)}, {})
    (result,), _ = certificates((file,), HostCertificates(certs={"/a.crt": odd}), around)
    assert (result.missing_names, result.problem) == ((), None)


def test_a_wildcard_covers_one_label() -> None:
    names = ("DNS:*.example.org", "IP:10.5.0.1")
    covered = {name: is_named(name, names) for name in ("DNS:api.example.org", "DNS:API.example.org.", "IP:10.5.0.1")}
    assert all(covered.values()), covered
    for name in ("DNS:example.org", "DNS:a.b.example.org", "DNS:api.example.com", "IP:10.5.0.2"):
        assert not is_named(name, names), name


def test_a_certificate_of_several_processes_is_judged_by_the_names_of_all(pki: Pki) -> None:
    pki.leaf("one")
    pki.process(1, "etcd", "etcd", f"--cert-file={pki.path('one.crt')}")
    pki.process(2, "kube-apiserver", "kube-apiserver", f"--tls-cert-file={pki.path('one.crt')}")
    output = parse_files(pki.answers()[FILES])
    needed = {"etcd-server": ("IP:127.0.0.1",), "apiserver": ("IP:127.0.0.1", "IP:10.5.0.100")}
    around = Surroundings(HostName("cp1"), NOW, needed, {})
    (result,) = (one for one in certificates((), output, around)[0] if one.path == pki.path("one.crt"))
    assert result.missing_names == ("IP:10.5.0.100",)
    assert result.problem == "lacks these names: IP:10.5.0.100"
    layout = (CertificateFile("etcd-server", pki.path("one.crt"), None, None),)
    (result,) = (one for one in certificates(layout, output, around)[0] if one.path == pki.path("one.crt"))
    assert result.missing_names == ("IP:10.5.0.100",)
