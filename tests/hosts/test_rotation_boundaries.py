"""The rotation of all CAs of a control plane cut off at every boundary of its phases, resumed, and undone.

All of it on one cluster, with a client that writes to etcd and one that reads the API through the VIP, both with the
previous certificates. The counts are printed.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts.conftest import LabMaker, Tell
from tests.hosts.load import ApiReader, EtcdWriter
from tests.hosts.machine import vip_holders
from tests.hosts.program import Program
from tests.hosts.rotation import addresses, certs, rotate_ca, shared, sound, stopped_at, verb

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(2400)]

TRUST = (
    "pki.etcd-ca-next@",
    "pki.kubernetes-ca-next@",
    "pki.etcd-ca-both@",
    "pki.front-proxy-ca-both@",
    "etcd.trust@",
    "kubernetes.control-plane-trust@",
    "keepalived.stand-again-trust@",
)
LEAVES = (
    "pki.etcd-server@",
    "pki.service-account-switch@",
    "kubernetes.control-plane-leaves@",
    "etcd.gate@",
)
BACK = ("pki.service-account-back@", "pki.kubernetes-ca-alone@", "etcd.trust-back@")
DROP = (
    "pki.verified@",
    "pki.strip@",
    "pki.etcd-ca-drop@",
    "pki.kubernetes-ca-drop@",
    "pki.front-proxy-ca-drop@",
    "pki.service-account-drop@",
    "etcd.drop@",
    "kubernetes.control-plane-drop@",
    "pki.rotation-end@",
)


@pytest.fixture(scope="module")
def cluster(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Three control planes, bootstrapped."""
    program = Program(make_lab_for_session(), tmp_path_factory.mktemp("boundaries"))
    program.events("bootstrap")
    return program


def test_undone_from_the_middle(cluster: Program, tmp_path: Path, tell: Tell) -> None:
    before = shared(certs(cluster))
    with load(cluster, tmp_path, tell, "cut off in trust and leaves, then undone, cut off as well"):
        cut_off(cluster, TRUST)
        cut_off(cluster, LEAVES)
        cut_off(cluster, BACK, "--back")
        rotate_ca(cluster, "--back")
    sound(certs(cluster))
    assert shared(certs(cluster)) == before


def test_resumed_to_the_end(cluster: Program, tmp_path: Path, tell: Tell) -> None:
    before = shared(certs(cluster))
    with load(cluster, tmp_path / "old", tell, "both phases before the last"):
        rotate_ca(cluster, "--phase", "trust")
        rotate_ca(cluster, "--phase", "leaves")
    with load(cluster, tmp_path / "new", tell, "cut off in the last phase, resumed by its record"):
        cut_off(cluster, DROP)
        run = max((cluster.state / "haconsole" / "runs").glob("*.jsonl")).stem
        argv = verb("resume", run, "--yes")
        result = subprocess.run(argv, env=cluster.environment, capture_output=True, text=True, timeout=600)
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    after = certs(cluster)
    sound(after)
    assert {what: len(prints) for what, prints in shared(after).items()} == dict.fromkeys(before, 1)
    assert all(prints.isdisjoint(before[what]) for what, prints in shared(after).items())
    assert len(vip_holders(cluster.lab)) == 1


def cut_off(program: Program, boundaries: tuple[str, ...], *words: str) -> None:
    """Stop the rotation when it comes to each of these; it is planned again from the hosts' state."""
    for boundary in boundaries:
        start = time.monotonic()
        stopped_at(program, boundary, "run", "rotate-certs", str(program.inventory), "--ca", *words, "--yes")
        print(f"stopped at {boundary} after {time.monotonic() - start:.1f} s")


@contextmanager
def load(program: Program, folder: Path, tell: Tell, what: str) -> Iterator[None]:
    """Write and read meanwhile; print the counts; neither may fail."""
    reader = ApiReader(program.lab, program.lab.spec.vip, 8443, folder)
    with EtcdWriter(program.lab, addresses(program)) as writes, reader as reads:
        try:
            yield
        finally:
            tell(what, writes=writes, reads=reads)
    assert (writes.failed, reads.failed) == (0, 0), f"{writes}\n{reads}"
    assert min(writes.successes, reads.successes) > 100, f"{writes}\n{reads}"
