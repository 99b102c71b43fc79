"""Certificates in files and their keys, read by the real script and openssl on this machine."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from haconsole.configs.certificate_files import CertificateFile
from haconsole.model.names import HostName
from haconsole.pki.authority import make_authority
from haconsole.pki.keys import make_private_key, make_token_keys
from haconsole.pki.names import is_named
from haconsole.probes.certificate.parse import Surroundings, certificates, token_keys
from haconsole.probes.certificate.reader_script import (
    FILES,
    HostCertificates,
    parse_files,
    sections,
)
from haconsole.probes.script import ARGV, FrameReader, SectionAnswer, render
from tests.fakes.pki_folder import CA, NOW, P256, Pki


def test_a_sound_certificate(pki: Pki) -> None:
    pki.leaf("server")
    (result,), notes, _ = pki.look(pki.file("etcd-server", "server"))
    assert (result.subject, result.issuer, result.path) == ("CN=server", "CN=etcd-ca", pki.path("server.crt"))
    assert (result.key_matches, result.key_mode, result.chain_ok) == (True, 0o600, True)
    assert (result.problem, notes) == (None, ())


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
