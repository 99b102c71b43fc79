"""haproxy itself reads what is rendered."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.configs.haproxy import haproxy_cfg
from haconsole.inventory.schema import Inventory, KeyAlgorithm
from haconsole.pki.authority import make_authority
from tests.unit.configs import samples

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")


@pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed here")
@pytest.mark.parametrize("inventory", [samples.lab(), samples.spread(), samples.ipv6(), samples.kubeadm()])
def test_haproxy_accepts_the_configuration(inventory: Inventory, tmp_path: Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_bytes(
        make_authority("kubernetes", algorithm=KeyAlgorithm.ECDSA_P256, days=1, now=datetime.now(UTC)).certificate
    )
    config = tmp_path / "haproxy.cfg"
    config.write_text(haproxy_cfg(inventory).replace("/etc/kubernetes/pki/ca.crt", str(ca)))
    result = subprocess.run([HAPROXY or "", "-c", "-f", config], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stderr
