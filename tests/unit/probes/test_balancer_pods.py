"""haproxy and keepalived as static pods: their files by the host's paths, their states from the container's log."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.actions.catalogue import plan_action
from haconsole.actions.step import Refusal
from haconsole.configs.layout import layout
from haconsole.inventory.importers.draft import write
from haconsole.inventory.load import parse
from haconsole.inventory.schema import Inventory, Keepalived
from haconsole.probes.balancers import keepalived
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import ConfigFiles
from haconsole.probes.discovery.ask import programs_of
from haconsole.probes.discovery.draft import draft_of
from haconsole.probes.discovery.host_report import HostReport, Others
from haconsole.probes.hosts.services import units_of
from haconsole.probes.hosts.static_pods import pods_of
from haconsole.scripts import load_script
from tests.fakes.cluster import healthy

LOG = """\
2026-11-29T13:26:32.903998629Z stderr F Sun Nov 29 13:26:32 2026: Starting Keepalived v2.3.3 (03/30,2025)
2026-11-29T13:26:32.906117825Z stderr F Sun Nov 29 13:26:32 2026: (VI_1) Entering BACKUP STATE (init)
2026-11-29T13:26:32.964834191Z stderr F Sun Nov 29 13:26:32 2026: VRRP_Script(check_apiserver) succeeded
2026-11-29T13:26:36.511623809Z stderr F Sun Nov 29 13:26:36 2026: (VI_1) Entering MASTER STATE
"""
HAPROXY = "frontend f\n bind *:8443\n default_backend b\nbackend b\n server a 10.5.0.1:6443\n"
KEEPALIVED = "vrrp_instance V {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 10.5.0.100\n }\n}\n"
PROCESSES = """\
@ kube-apiserver /usr/local/bin/kube-apiserver
- kube-apiserver
- --advertise-address=10.5.0.1
@ etcd /usr/local/bin/etcd
- etcd
- --name=a
- --advertise-client-urls=https://10.5.0.1:2379
@ haproxy /usr/sbin/haproxy
- haproxy
- -W
- -f
- /usr/local/etc/haproxy/haproxy.cfg
@ keepalived /usr/sbin/keepalived
- keepalived
- -f
- /usr/local/etc/keepalived/keepalived.conf
"""


@pytest.fixture
def inventory() -> Inventory:
    report = HostReport(
        "a",
        ("10.5.0.1/24",),
        programs_of(PROCESSES),
        static_pods=frozenset({"etcd", "kube-apiserver", "haproxy", "keepalived"}),
        haproxy=HaproxyFiles((HAPROXY,), ("/etc/haproxy/haproxy.cfg",)),
        keepalived=ConfigFiles("/etc/keepalived/keepalived.conf", {"/etc/keepalived/keepalived.conf": KEEPALIVED}),
    )
    draft = draft_of(report, Others(), source="a host", ssh={}, jump=None, reached_by="10.5.0.1")
    result = parse(write(draft), "found", Path("/"))
    assert isinstance(result, Inventory)
    return result


def test_static_pods_are_watched_in_place_of_units(inventory: Inventory) -> None:
    places, host = layout(inventory), inventory.hosts[0]
    assert {"haproxy", "keepalived"} <= {pod.name for pod in pods_of(places, host)}
    assert not {"haproxy.service", "keepalived.service"} & set(units_of(places, host))
    assert places.haproxy is not None
    assert places.keepalived is not None
    assert places.haproxy.config_file == "/etc/haproxy/haproxy.cfg"
    assert places.keepalived.config_file == "/etc/keepalived/keepalived.conf"


@pytest.mark.parametrize("service", ["haproxy", "keepalived"])
def test_a_restart_of_the_unit_that_does_not_run_it_is_refused(inventory: Inventory, service: str) -> None:
    planned = plan_action("restart", healthy(), inventory, {"service": service, "host": "a"})
    assert isinstance(planned, Refusal)
    assert planned.reasons == (f"{service} runs as a static pod: move its manifest out of kubelet's folder and back",)


@pytest.mark.parametrize("shell", [("sh",), ("busybox", "ash")])
def test_the_states_come_from_the_newest_log_of_the_container(tmp_path: Path, shell: tuple[str, ...]) -> None:
    body = keepalived.section(Keepalived()).body
    function = body[body.index("pod_states()") : body.index("config=")].replace("/var/log/pods", str(tmp_path))
    for number, text in enumerate((LOG, LOG.replace("MASTER", "FAULT"))):
        log = tmp_path / "kube-system_keepalived-a_09d8" / "keepalived" / f"{number}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
        os.utime(log, (1_700_000_000 + number,) * 2)
    lines = subprocess.run((*shell, "-c", f"{function}\npod_states"), capture_output=True, text=True, check=True).stdout
    assert lines.splitlines() == ["(VI_1) Entering FAULT STATE", "(VI_1) Entering BACKUP STATE (init)"]
    assert keepalived.last_state(lines, "VI_1") == "FAULT"


@pytest.mark.parametrize("mount", ["file", "folder", "image"])
def test_the_hosts_path_of_a_containers_file(tmp_path: Path, mount: str) -> None:
    process, host = tmp_path / "7", tmp_path / "host"
    inside = process / "root/usr/local/etc/haproxy"
    (process / "ns").mkdir(parents=True)
    (process / "ns/mnt").symlink_to("mnt:[1]")
    inside.mkdir(parents=True)
    host.mkdir()
    (host / "haproxy.cfg").write_text(HAPROXY)
    if mount == "image":
        (inside / "haproxy.cfg").write_text(HAPROXY)
    else:
        os.link(host / "haproxy.cfg", inside / "haproxy.cfg")
    target = "/usr/local/etc/haproxy" + ("" if mount == "folder" else "/haproxy.cfg")
    source = f"{host}" + ("" if mount == "folder" else "/haproxy.cfg")
    overlay = "1 2 0:3 / / rw - overlay overlay rw\n"
    (process / "mountinfo").write_text(f"{overlay}4 1 0:5 {source} {target} rw - ext4 /dev/sda rw\n")
    script = f'{load_script("lib/host-path")}\nhost_path "$1" /usr/local/etc/haproxy/haproxy.cfg; :'
    result = subprocess.run(("sh", "-c", script, "sh", str(process)), capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ("" if mount == "image" else str(host / "haproxy.cfg"))


def test_the_path_of_a_unit_with_mounts_of_its_own_is_that_of_the_host(tmp_path: Path) -> None:
    """PrivateTmp and the like give a unit a mount namespace whose root is the host's."""
    process, file = tmp_path / "7", tmp_path / "haproxy.cfg"
    (process / "ns").mkdir(parents=True)
    (process / "ns/mnt").symlink_to("mnt:[1]")
    (process / "root").symlink_to("/")
    (process / "mountinfo").write_text("1 2 0:3 / / rw - overlay overlay rw\n")
    file.write_text(HAPROXY)
    script = f'{load_script("lib/host-path")}\nhost_path "$1" "$2"; :'
    result = subprocess.run(
        ("sh", "-c", script, "sh", str(process), str(file)), capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == str(file)
