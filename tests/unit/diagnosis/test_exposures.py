"""Ports that serve everybody, or no other host: etcd, haproxy's statistics page; read from real processes."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.configs.haproxy import haproxy_cfg
from haconsole.configs.layout import layout
from haconsole.configs.unit_digests import unit_digests
from haconsole.diagnosis import exposures as exposure_rules
from haconsole.diagnosis.diagnose import diagnose
from haconsole.inventory.schema import EtcdTls
from haconsole.model.findings import ActionCall
from haconsole.model.system import Exposure, ExposureKind, PeerPort, PortState
from haconsole.model.unit_setup import FileCondition, NeededFile, UnitSetup
from haconsole.probes.errors import ProbeError
from haconsole.probes.hosts import exposures
from haconsole.probes.script import SectionAnswer
from haconsole.scripts import load_script
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy
from tests.unit.diagnosis.test_remedies import having

OPEN = Exposure(ExposureKind.CLIENT, "https://0.0.0.0:2379")
UNIT, DROP_IN = "/etc/systemd/system/etcd.service", "/etc/systemd/system/etcd.service.d/drill.conf"


def setup(*files: NeededFile) -> tuple[UnitSetup, ...]:
    return (UnitSetup("etcd", files),)


def own(digest: str = "") -> NeededFile:
    digests = unit_digests(INVENTORY, INVENTORY.hosts[1])
    return NeededFile("unit-file", UNIT, FileCondition.USABLE, digest=digest or digests[UNIT])


def first_request(*files: NeededFile) -> dict[str, str]:
    snapshot = changed(healthy(), 2, having(exposures=(OPEN,), unit_setup=setup(*files)))
    (finding,) = diagnose(snapshot, INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("etcd.no-client-auth", "etcd@cp2")
    assert "it listens for clients on https://0.0.0.0:2379" in finding.evidence
    first = finding.remedies[0]
    return first.request if isinstance(first, ActionCall) else {}


def test_an_etcd_that_accepts_clients_without_a_certificate_gets_its_own_settings_again() -> None:
    added = NeededFile("unit-file", DROP_IN, FileCondition.USABLE)
    assert first_request(own(), added) == {"setting": "drop-ins", "host": "cp2", "target": "etcd"}
    assert first_request(own("another")) == {"only": "etcd"}
    assert first_request(added) == {}, "its unit is not haconsole's"


def test_an_etcd_without_tls_by_the_inventory_is_another_finding() -> None:
    plain = msgspec.structs.replace(INVENTORY, etcd=msgspec.structs.replace(INVENTORY.etcd, tls=EtcdTls.OFF))
    snapshot = changed(healthy(), 2, having(exposures=(OPEN,)))
    assert "etcd.no-client-auth" not in {one.code for one in diagnose(snapshot, plain, NOW)}


LOCAL = Exposure(ExposureKind.LOCAL_PEER, "https://127.0.0.1:2380")


def test_an_etcd_that_listens_for_no_other_member_is_the_cause_of_refused_connections() -> None:
    refused = PeerPort("10.99.0.13", 2380, PortState.REFUSED, process_since=NOW - timedelta(hours=1))
    snapshot = changed(healthy(), 3, having(exposures=(LOCAL,), unit_setup=setup()))
    snapshot = changed(snapshot, 1, having(peer_ports=(refused,)))
    (finding,) = diagnose(snapshot, INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("etcd.listens-locally", "etcd@cp3")
    assert "--listen-peer-urls" in str(finding.remedies[-1])
    assert any("port 2380" in line for line in finding.evidence)


def test_a_single_member_and_clients_of_its_own_host_need_no_other_address() -> None:
    one = msgspec.structs.replace(INVENTORY, hosts=INVENTORY.hosts[2:3])
    facts = changed(healthy(), 3, having(exposures=(LOCAL, replace(LOCAL, kind=ExposureKind.LOCAL_CLIENT)))).hosts[2]
    candidates = exposure_rules.rules(replace(healthy(), hosts=(facts,)), one)
    assert list(candidates) == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [(ExposureKind.PAGE_OPEN, "without a password"), (ExposureKind.PAGE_DEFAULT, "from published examples")],
)
def test_a_statistics_page_for_everybody(kind: ExposureKind, words: str) -> None:
    snapshot = changed(healthy(), 2, having(exposures=(Exposure(kind, "*:1080", "stats"),)))
    (finding,) = diagnose(snapshot, INVENTORY, NOW)
    assert (finding.code, finding.subject) == ("haproxy.default-credentials", "haproxy@cp2")
    assert words in finding.summary
    assert finding.evidence == ("stats: *:1080",)


PAGES = """\
global
    stats socket /run/haproxy/admin.sock mode 600 level admin
defaults
    mode http
listen known
    bind *:1080
    stats enable
    stats auth admin:admin
listen local
    bind 127.0.0.1:9000
    stats enable
frontend open
    bind 10.0.0.1:9001
    bind /run/page.sock
    stats uri /
listen good
    bind :9002
    stats auth ops:k3jh4kjh
listen filtered
    bind :9003
    stats enable
    http-request deny unless { src 10.0.0.0/8 }
listen old *:9005
    stats enable
backend servers
    stats enable
"""


def exposed_by(folder: Path, config: str, shell: tuple[str, ...] = ("sh",)) -> list[str]:
    file = folder / "haproxy.cfg"
    file.write_text(config)
    argv = (*shell, "-c", load_script("haproxy-exposure"), "haproxy-exposure", str(file))
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


def test_pages_that_other_hosts_reach_are_listed_without_their_passwords(tmp_path: Path) -> None:
    assert exposed_by(tmp_path, PAGES) == [
        "exposed default *:1080 known",
        "exposed open 10.0.0.1:9001 open",
        "exposed open *:9005 old",
    ]
    in_defaults = PAGES.replace("    mode http\n", "    mode http\n    stats auth stats:stats\n", 1)
    assert "exposed default *:9005 old" in exposed_by(tmp_path, in_defaults)
    assert exposed_by(tmp_path, haproxy_cfg(INVENTORY)) == []


CERTIFIED = ("--trusted-ca-file=/ca.crt", "--listen-client-urls=https://10.0.0.1:2379,https://127.0.0.1:2379")


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (CERTIFIED, {}, []),
        (CERTIFIED[1:], {}, ["exposed client https://10.0.0.1:2379"]),
        ((*CERTIFIED[1:], "--client-cert-auth"), {}, []),
        ((*CERTIFIED[1:], "--client-cert-auth=false"), {}, ["exposed client https://10.0.0.1:2379"]),
        (("--listen-peer-urls", "http://[::]:2380"), {}, ["exposed peer http://[::]:2380"]),
        (("--listen-client-urls=https://127.0.0.1:2379,unixs://x",), {}, []),
        ((), {"ETCD_LISTEN_CLIENT_URLS": "https://a:2379"}, ["exposed client https://a:2379"]),
        ((), {"ETCD_LISTEN_CLIENT_URLS": "https://a:2379", "ETCD_CLIENT_CERT_AUTH": "true"}, []),
        ((), {"ETCD_LISTEN_CLIENT_URLS": "https://a:2379", "ETCD_TRUSTED_CA_FILE": "/ca"}, []),
        ((*CERTIFIED[1:], "--config-file=/etc/etcd.yaml"), {}, []),
    ],
)
def test_the_listeners_of_a_running_etcd(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], expected: list[str]
) -> None:
    lines = lines_about(tmp_path, arguments, environment)
    assert [line for line in lines if not line.startswith("exposed local-")] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("--listen-client-urls=https://10.0.0.1:2379", "--listen-peer-urls=https://127.0.0.1:2380"),
            ["peer https://127.0.0.1:2380"],
        ),
        (
            ("--listen-client-urls=https://[::1]:2379", "--listen-peer-urls=https://[::]:2380"),
            ["client https://[::1]:2379"],
        ),
        (("--listen-client-urls=https://10.0.0.1:2379",), ["peer http://localhost:2380"]),
        ((*CERTIFIED, "--listen-peer-urls=https://127.0.0.1:2380,https://10.0.0.1:2380"), []),
        (("--config-file=/etc/etcd.yaml",), []),
    ],
)
def test_an_etcd_that_listens_on_loopback_addresses_only(
    tmp_path: Path, arguments: tuple[str, ...], expected: list[str]
) -> None:
    lines = lines_about(tmp_path, arguments, {})
    assert [line.removeprefix("exposed local-") for line in lines if "local-" in line] == expected


def lines_about(tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> list[str]:
    """About a sleeping shell with etcd's arguments and environment."""
    argv = ("sh", "-c", "read -r _", *arguments)
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, executable="/bin/sh") as process:
        pidof = tmp_path / "pidof"
        pidof.write_text(f"#!/bin/sh\necho {process.pid}\n")
        pidof.chmod(0o755)
        reader = ("sh", "-c", load_script("etcd-exposure").replace("NR == 1", "NR <= 3"), "etcd-exposure")
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        result = subprocess.run(reader, env=path, capture_output=True, text=True, check=True)
        process.kill()
    return result.stdout.splitlines()


IN_POD = (
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234abcd_12ab_34cd_56ef_0123456789ab.slice/x"
)


@pytest.mark.parametrize(
    ("groups", "is_shown"),
    [
        (IN_POD, False),
        ("12:pids:/\n0::/kubepods/burstable/pod1234abcd-12ab-34cd-56ef-0123456789ab/4711", False),
        (
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0123456789abcdef0123456789abcdef.slice/x",
            True,
        ),
        ("0::/system.slice/etcd.service", True),
    ],
    ids=["pod by systemd", "pod by cgroupfs", "static pod", "unit"],
)
def test_an_etcd_in_an_ordinary_pod_is_not_the_hosts(tmp_path: Path, groups: str, is_shown: bool) -> None:
    (tmp_path / "cgroup").write_text(f"{groups}\n")
    with subprocess.Popen(("sh", "-c", "read -r _", *CERTIFIED[1:]), stdin=subprocess.PIPE) as process:
        reader = load_script("etcd-exposure").replace("NR == 1", "NR <= 3")
        reader = reader.replace('of_pod "/proc/$pid"', f"of_pod {tmp_path}")
        (tmp_path / "pidof").write_text(f"#!/bin/sh\necho {process.pid}\n")
        (tmp_path / "pidof").chmod(0o755)
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        result = subprocess.run(("sh", "-c", reader), env=path, capture_output=True, text=True, check=True)
        process.kill()
    assert bool(result.stdout) is is_shown


def test_only_hosts_with_etcd_or_a_balancer_are_queried() -> None:
    places = layout(INVENTORY)
    assert exposures.programs_of(places, INVENTORY.hosts[0]) == ("etcd", "haproxy")
    lines = "exposed client https://0.0.0.0:2379\nexposed open *:1080 a b\n"
    assert exposures.parse(SectionAnswer("exposures", lines, "", 0)) == (
        OPEN,
        Exposure(ExposureKind.PAGE_OPEN, "*:1080", "a b"),
    )
    with pytest.raises(ProbeError):
        exposures.parse(SectionAnswer("exposures", "exposed much x", "", 0))
