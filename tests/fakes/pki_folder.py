"""A CA and its certificates in a folder, read by the real script on this machine."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import yaml

from haconsole.configs.certificate_files import CertificateFile
from haconsole.inventory.schema import KeyAlgorithm
from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.pki.authority import make_authority
from haconsole.pki.keys import make_private_key
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.probes.certificate.parse import Surroundings, certificates
from haconsole.probes.certificate.reader_script import (
    FILES,
    SERVED,
    HostCertificates,
    of_kubeconfigs,
    parse_files,
    parse_served,
    sections,
    with_files,
)
from haconsole.probes.script import ARGV, Section, SectionAnswer, answers, render

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
