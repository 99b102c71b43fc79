"""The samples whose etcd members meet by a discovery service or by DNS, on real hosts: bootstrap, join and remove.

Discovery is for the first start only: https://etcd.io/docs/v3.4/op-guide/clustering/.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from haconsole.lab.lab import Lab
from tests.hosts.conftest import LabMaker
from tests.hosts.membership import ETCDCTL, QUIET
from tests.hosts.program import Program

pytestmark = [pytest.mark.timeout(600), pytest.mark.nightly]
SAMPLES = Path(__file__).parents[2] / "sample-inventories"
NEW = "ip-172-31-9-12"
"""The host that joins later: no sample has it."""
SETTLED_S = 10.0
TOKEN = "f6a3fb54b3fd1bb02e26a89fd40df0e8"
SERVICE = (
    "systemd-run --unit=discovery -q etcd --enable-v2 --name discovery --data-dir /var/lib/discovery"
    " --listen-client-urls http://{0}:4001 --advertise-client-urls http://{0}:4001"
    " --listen-peer-urls http://{0}:4002 --initial-advertise-peer-urls http://{0}:4002"
    " --initial-cluster discovery=http://{0}:4002"
)


class Sample:
    """A sample inventory whose hosts have the addresses of a lab's; the lab's last host has no part in the cluster."""

    def __init__(self, lab: Lab, folder: Path, name: str) -> None:
        self.lab = lab
        self.folder = folder
        self._text: dict[str, Any] = yaml.safe_load((SAMPLES / name).read_text())
        self._text["ssh"] = yaml.safe_load(lab.inventory_path.read_text())["ssh"]
        self._text["hosts"].append({"name": NEW, "roles": ["etcd"]})
        for host, real in zip(self._text["hosts"], lab.spec.hosts[:4], strict=True):
            host["address"] = real.address
            host.pop("ssh_address", None)

    @property
    def service(self) -> str:
        """The address of the host that serves the discovery."""
        return self.lab.spec.hosts[4].address

    @property
    def hosts(self) -> dict[str, str]:
        """The address of each host, the last one joins later."""
        return {host["name"]: host["address"] for host in self._text["hosts"]}

    def use_url(self, url: str) -> None:
        self._text["etcd"]["discovery"]["value"] = url

    def of(self, number: int) -> Program:
        """The program on the first `number` hosts."""
        path = self.folder / f"{number}.yaml"
        path.write_text(yaml.safe_dump({**self._text, "hosts": self._text["hosts"][:number]}))
        return Program(self.lab, self.folder / "state", path)

    def shell(self, host: str, script: str) -> str:
        """The output of a shell on a host of the sample, which must succeed."""
        name = next(one.name for one in self.lab.spec.hosts if one.address == self.hosts[host])
        result = self.lab.exec(name, "sh", "-c", script)
        assert result.returncode == 0, f"{host}: {script}: {result.stdout}{result.stderr}"
        return result.stdout

    def members(self) -> dict[str, tuple[str, ...]]:
        """The peer URLs of each member, by etcd's own tool."""
        first = next(iter(self.hosts))
        listed = json.loads(self.shell(first, f"{ETCDCTL} member list -w json"))["members"]
        return {member["name"]: tuple(member["peerURLs"]) for member in listed}

    def check(self, number: int) -> None:
        """The first `number` hosts have healthy members, without findings except those about their number."""
        result = self.of(number).verb("status", str(self.of(number).inventory), "--json", deadline_s=60)
        report = json.loads(result.stdout)
        assert [one["title"] for one in report["findings"] if one["code"] not in QUIET] == []
        healthy = [member["host"] for member in report["etcd"]["members"] if member["healthy"]]
        assert sorted(healthy) == sorted(list(self.hosts)[:number])


def test_members_meet_at_a_discovery_service(make_lab: LabMaker, tmp_path: Path) -> None:
    sample = Sample(make_lab(hosts=5, kubernetes=False), tmp_path, "etcd-discovery-url.yaml")
    registry = f"http://{sample.service}:4001/v2/keys/_etcd/registry/{TOKEN}"
    started = sample.lab.exec("cp5", "sh", "-c", SERVICE.format(sample.service))
    assert started.returncode == 0, started.stderr
    put(f"{registry}/_config/size", "value=3")
    sample.use_url(f"http://{sample.service}:4001/v2/keys/_etcd/registry/{TOKEN}")
    sample.of(3).events("bootstrap")
    value_of_it = json.loads(get(registry))["node"]["nodes"]
    assert sorted(node["value"].partition("=")[0] for node in value_of_it) == sorted(sample.hosts)[:3]
    assert "discovery" in sample.shell(next(iter(sample.hosts)), "journalctl -u etcd")
    changes(sample)


def test_members_find_each_other_by_dns(make_lab: LabMaker, tmp_path: Path) -> None:
    sample = Sample(make_lab(hosts=5, kubernetes=False), tmp_path, "etcd-discovery-srv.yaml")
    with names_served(sample):
        sample.of(3).events("bootstrap")
        members = sample.members()
        assert members == {name: (f"https://{name}.example.com:2380",) for name in list(sample.hosts)[:3]}
        changes(sample)


def changes(sample: Sample) -> None:
    """Nothing to do for a second bootstrap, then one member more, and one less, without the discovery service."""
    sample.check(3)
    assert sample.of(3).events("bootstrap")[-1]["changed"] == 0
    sample.lab.exec("cp5", "systemctl", "stop", "discovery")
    founder = list(sample.hosts)[1]
    loses_its_data(sample, founder)
    sample.of(4).events("join", NEW)
    sample.check(4)
    assert sample.of(4).events("bootstrap")[-1]["changed"] == 0
    sample.of(4).events("remove", founder)
    assert founder not in sample.members()
    sample.of(4).events("join", founder)
    sample.check(4)


def loses_its_data(sample: Sample, founder: str) -> None:
    """A member that starts without its data takes no part in the cluster; it joins again."""
    before = sample.members()
    sample.shell(founder, "systemctl stop etcd; mv /var/lib/etcd/member /root/; systemctl start --no-block etcd")
    time.sleep(SETTLED_S)
    first = next(iter(sample.hosts))
    health = json.loads(sample.shell(first, f"{ETCDCTL} endpoint health --cluster -w json; true"))
    assert sorted(one["health"] for one in health) == [False, True, True]
    assert sample.members() == before
    sample.of(3).events("rejoin", founder)
    sample.check(3)


@contextmanager
def names_served(sample: Sample) -> Iterator[None]:
    """SRV records of the founders, and the addresses of all hosts, which resolve names by this machine."""
    address = sample.lab.spec.machine_address
    names = {f"{name}.example.com": at for name, at in sample.hosts.items()}
    records = [f"--host-record={name},{at}" for name, at in names.items()]
    founders = [f"--srv-host=_etcd-server-ssl._tcp.example.com,{name},2380" for name in list(names)[:3]]
    alone = ("--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces")
    argv = ("dnsmasq", *alone, f"--listen-address={address}", "--pid-file=", "--user=root", *records, *founders)
    for host in sample.lab.spec.hosts[:4]:
        result = sample.lab.exec(
            host.name, "sh", "-c", f"rm -f /etc/resolv.conf; echo nameserver {address} >/etc/resolv.conf"
        )
        assert result.returncode == 0, result.stderr
    server = subprocess.Popen(argv)
    try:
        yield
    finally:
        server.terminate()
        server.wait(timeout=10)


def put(url: str, data: str) -> None:
    """PUT, as soon as the service answers."""
    end = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, data.encode(), method="PUT"), timeout=5).close()
            return
        except urllib.error.URLError:
            assert time.monotonic() < end, f"{url} does not answer"
            time.sleep(0.2)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
