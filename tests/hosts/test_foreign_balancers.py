"""Balancers that somebody set up by hand, as kubeadm's guide for high availability does: they stay as they are."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import pytest

from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.machine import vip_holders
from tests.hosts.program import Program, lacking

HAPROXY_CFG, KEEPALIVED_CONF = "/etc/haproxy/haproxy.cfg", "/etc/keepalived/keepalived.conf"
CHECK = "/etc/keepalived/check_apiserver.sh"
STOCK = "/root/stock.cfg"
SOCKET = "    stats socket /run/haproxy/admin.sock mode 600 level admin\n"

HAPROXY = """\
global
    log stdout format raw local0
    daemon
defaults
    mode                    http
    timeout connect         5s
    timeout client          35s
    timeout server          35s
    timeout check           10s
frontend apiserver
    bind *:8443
    mode tcp
    default_backend apiserverbackend
backend apiserverbackend
    option httpchk
    http-check connect ssl
    http-check send meth GET uri /healthz
    http-check expect status 200
    mode tcp
    balance     roundrobin
{servers}
"""

KEEPALIVED = """\
! Configuration File for keepalived
global_defs {{
    router_id LVS_DEVEL
    script_user root
    enable_script_security
}}
vrrp_script check_apiserver {{
  script "{check}"
  interval 3
  weight -2
  fall 10
  rise 2
}}
vrrp_instance VI_1 {{
    state {state}
    interface eth0
    virtual_router_id 51
    priority {priority}
    authentication {{
        auth_type PASS
        auth_pass 42
    }}
    virtual_ipaddress {{
        {vip}
    }}
    track_script {{
        check_apiserver
    }}
}}
"""


def on(lab: Lab, host: str, command: str) -> str:
    result = lab.exec(host, "sh", "-c", command)
    assert result.returncode == 0, f"{host}: {command}: {result.stdout}{result.stderr}"
    return result.stdout


def names(lab: Lab) -> list[str]:
    return [host.name for host in lab.spec.hosts]


def everywhere(lab: Lab, command: str) -> list[str]:
    return [on(lab, host, command) for host in names(lab)]


def write(lab: Lab, host: str, path: str, text: str) -> None:
    (lab.host(host).root / path.lstrip("/")).write_text(text)


def set_up_by_hand(lab: Lab) -> None:
    servers = "\n".join(
        f"    server kube-master-{n} {host.address}:6443 check verify none" for n, host in enumerate(lab.spec.hosts, 1)
    )
    for number, host in enumerate(names(lab)):
        on(lab, host, f"cp {HAPROXY_CFG} {STOCK}")
        write(lab, host, HAPROXY_CFG, HAPROXY.format(servers=servers))
        state, priority = ("MASTER", 101) if number == 0 else ("BACKUP", 100)
        text = KEEPALIVED.format(check=CHECK, state=state, priority=priority, vip=lab.spec.vip)
        write(lab, host, KEEPALIVED_CONF, text)
        write(lab, host, CHECK, "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/8443\n")
        on(
            lab,
            host,
            f"chmod 755 {CHECK}; systemctl enable --quiet haproxy keepalived; systemctl restart haproxy keepalived",
        )


@pytest.fixture(scope="module")
def site(make_lab_for_session: LabMaker, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A control plane of three hosts behind balancers that are the site's own."""
    program = Program(make_lab_for_session(), tmp_path_factory.mktemp("state"))
    program.events("bootstrap", "--only", "etcd")
    program.events("bootstrap", "--only", "kubernetes")
    set_up_by_hand(program.lab)
    return program


async def owned(site: Program) -> None:
    await eventually(lambda: len(vip_holders(site.lab)) == 1, within_s=60)


def sums(lab: Lab) -> list[str]:
    return everywhere(lab, "cd /etc; find haproxy keepalived systemd/system -type f -exec sha256sum {} + | sort")


def refused(site: Program, action: str, *words: str) -> str:
    result = site("run", action, "--yes", *words)
    assert result.returncode == 4, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stderr


def findings(site: Program) -> dict[str, dict[str, Any]]:
    document = json.loads(site.verb("doctor", str(site.inventory), "--json").stdout)
    return {finding["code"]: finding for finding in document["findings"]}


def serious(site: Program) -> list[tuple[str, ...]]:
    """Code, subject, summary and evidence of each finding that is more than a remark."""
    grave = (one for one in findings(site).values() if one["severity"] != "info")
    return [(one["code"], one["subject"], one["summary"], *one["evidence"]) for one in grave]


def admin_states(lab: Lab) -> list[set[str]]:
    """The administrative states of the first control plane's server, by balancer, from haproxy itself."""
    request = (
        "echo 'show servers state' | socat - UNIX-CONNECT:/run/haproxy/admin.sock | awk '/kube-master-1/ {print $7}'"
    )
    return [set(output.split()) for output in everywhere(lab, request)]


async def test_a_stopped_keepalived_is_started_and_its_files_stay(site: Program) -> None:
    lab = site.lab
    await owned(site)
    everywhere(lab, "systemctl stop keepalived")
    before = sums(lab)
    remedies = [one for finding in findings(site).values() for one in finding["remedies"]]
    actions = [one["action"]["name"] for one in remedies if one["action"]]
    assert "restart" in actions
    assert not {"bootstrap", "failover", "failback"} & set(actions)
    refusal = refused(site, "bootstrap", "--only", "keepalived")
    assert lacking(refusal, KEEPALIVED_CONF, "cp1, cp2, cp3", "systemctl start keepalived") == []
    assert HAPROXY_CFG in refused(site, "bootstrap", "--only", "haproxy")
    assert lacking(refused(site, "bootstrap"), "only = etcd", "only = kubernetes") == []
    assert sums(lab) == before
    site.events("restart", "keepalived")
    await owned(site)
    assert sums(lab) == before
    until = time.monotonic() + 30
    while (grave := serious(site)) and time.monotonic() < until:
        await asyncio.sleep(1)
    assert not grave


async def test_a_vip_whose_keepalived_heeds_no_down_file_is_not_moved(site: Program) -> None:
    await owned(site)
    before, owner = sums(site.lab), vip_holders(site.lab)
    refusal = refused(site, "failover")
    assert lacking(refusal, owner[0], "systemctl stop keepalived") == []
    assert (sums(site.lab), vip_holders(site.lab)) == (before, owner)


def test_a_server_is_drained_by_its_address_or_not_at_all(site: Program) -> None:
    lab = site.lab
    assert lacking(refused(site, "drain", "cp1"), "haproxy", "cp1") == []
    everywhere(lab, f"sed -i 's|^    daemon|{SOCKET.rstrip()}\\n    daemon|' {HAPROXY_CFG}; systemctl restart haproxy")
    site.events("drain", "cp1")
    assert admin_states(lab) == [{"8"}] * 3
    site.events("ready", "cp1")
    assert admin_states(lab) == [{"0"}] * 3
    others = "sed -i '/kube-master-1 /d' /etc/haproxy/haproxy.cfg; systemctl restart haproxy"
    everywhere(lab, others)
    assert "server" in refused(site, "drain", "cp1")


def state(lab: Lab) -> list[str]:
    looked_at = (
        "systemctl is-enabled haproxy keepalived; systemctl is-active haproxy keepalived",
        f"cmp {HAPROXY_CFG} {STOCK}; find /etc/keepalived /etc/systemd/system/*.d -type f -not -name '.*'",
        "stat -c '%n %a %U:%G' /run/haproxy /run/haproxy/admin.sock",
    )
    return everywhere(lab, "; ".join(looked_at) + "; true")


def undone(site: Program, run: str) -> None:
    result = site.verb("undo", run, "--yes")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr


def test_undo_leaves_a_balancer_as_it_was(site: Program) -> None:
    """haproxy ran and was enabled with its package's file, whose socket is in a folder that the package makes."""
    lab = site.lab
    everywhere(lab, f"systemctl disable --now --quiet keepalived; rm {KEEPALIVED_CONF} {CHECK}")
    everywhere(lab, f"cp {STOCK} {HAPROXY_CFG}; systemctl restart haproxy")
    before = state(lab)
    assert before[0].split()[:4] == ["enabled", "disabled", "active", "inactive"]
    result = site.events("bootstrap", "--only", "haproxy")
    assert state(lab) != before
    undone(site, str(result[0]["run"]))
    assert state(lab) == before
    everywhere(lab, "systemctl restart haproxy")
    assert state(lab) == before, "it starts again, from the package's own file"


def test_a_run_after_which_nobody_holds_the_vip_fails(site: Program) -> None:
    """The package's haproxy has no port for keepalived's check, so that no balancer claims the VIP."""
    lab = site.lab
    before = state(lab)
    result = site("run", "bootstrap", "--only", "keepalived", "--yes")
    assert result.returncode == 6, result.stdout[-2000:] + result.stderr[-2000:]
    assert str(lab.spec.vip) in result.stdout + result.stderr
    run = re.search(r"run (\d{8}T\d{6}Z-bootstrap-\w+)", result.stdout + result.stderr)
    assert run is not None
    undone(site, run[1])
    assert state(lab) == before
