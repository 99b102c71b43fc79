"""Certificate files of etcd that another tool named: each host's are looked for under its own names."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.configs.certificate_files import certificate_files
from haconsole.configs.etcd import etcd_env
from haconsole.configs.layout import layout
from haconsole.inventory.importers.ansible import VariableFiles
from haconsole.inventory.importers.draft import write
from haconsole.inventory.importers.kubespray import from_kubespray
from haconsole.inventory.load import examine, parse
from haconsole.inventory.schema import Inventory
from haconsole.probes.credentials import etcd_credentials
from haconsole.probes.errors import ProbeError

FOLDER = "/etc/ssl/etcd/ssl"
HOSTS = b"[etcd]\na ansible_host=10.5.0.1\nb ansible_host=10.5.0.2\nc ansible_host=10.5.0.3\n[kube_control_plane]\na\n"


@pytest.fixture
def kubespray() -> Inventory:
    inventory = parse(write(from_kubespray(HOSTS, "hosts", "c", VariableFiles())), "f", Path("/"))
    assert isinstance(inventory, Inventory)
    return inventory


def test_kubespray_members_are_queried_with_the_admin_certificate_of_their_host(kubespray: Inventory) -> None:
    files: dict[str, str | None] = {
        f"{FOLDER}/ca.pem": "CA",
        f"{FOLDER}/admin-b.pem": "CERT",
        f"{FOLDER}/admin-b-key.pem": "KEY",
    }
    credentials = etcd_credentials(layout(kubespray), kubespray.hosts[1], files)
    assert credentials is not None
    assert (credentials.ca, credentials.cert) == (b"CA", b"CERT")


def test_member_certificates_are_those_in_kubesprays_settings(kubespray: Inventory) -> None:
    result = {file.role: (file.cert, file.key) for file in certificate_files(layout(kubespray), kubespray.hosts[2])}
    member = (f"{FOLDER}/member-c.pem", f"{FOLDER}/member-c-key.pem")
    assert result["etcd-server"] == result["etcd-peer"] == member
    assert f"ETCD_CERT_FILE={member[0]}" in etcd_env(kubespray, kubespray.hosts[2])


def test_a_missing_certificate_is_named_and_bootstrap_is_not_advised(kubespray: Inventory) -> None:
    with pytest.raises(ProbeError) as excinfo:
        etcd_credentials(layout(kubespray), kubespray.hosts[0], {f"{FOLDER}/ca.pem": "CA"})
    assert f"{FOLDER}/admin-a.pem does not exist" in str(excinfo.value)
    assert "bootstrap" not in str(excinfo.value) + excinfo.value.hint
    assert "etcd.files" in excinfo.value.hint


@pytest.mark.parametrize("name", ["../ca.pem", "a/b", "{name}.pem", "$(id)", ""])
def test_a_file_name_is_a_plain_name(name: str) -> None:
    hosts = "cluster: c\nhosts: [{name: a, address: 10.0.0.1, roles: [etcd]}]\n"
    problems = examine(f"{hosts}etcd: {{files: {{client_cert: '{name}'}}}}\n", "f", Path("/")).errors
    assert ["etcd.files.client_cert" in problem.what for problem in problems] == [True]
