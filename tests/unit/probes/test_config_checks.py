"""keepalived's own check of its configuration, by the status that it ends with, and the timeouts of haproxy's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from haconsole.configs.haproxy import haproxy_cfg
from haconsole.configs.layout import layout
from haconsole.inventory.schema import Keepalived
from haconsole.model.system import ProxyTimeout, TimeoutKind
from haconsole.probes.hosts.system import checks_section, parse_checks
from haconsole.probes.script import ARGV, SectionAnswer, answers, render
from haconsole.scripts import load_script
from tests.fakes.cluster import INVENTORY


@pytest.mark.parametrize(("status", "valid"), [(0, True), (6, True), (5, False), (4, False)])
def test_a_file_without_script_security_is_loaded_all_the_same(tmp_path: Path, status: int, valid: bool) -> None:
    """kubeadm's guide has none; keepalived warns of it with status 6, and of errors with others."""
    config, program = tmp_path / "keepalived.conf", tmp_path / "keepalived"
    config.touch()
    program.write_text(f"#!/bin/sh\necho SECURITY VIOLATION\nexit {status}\n")
    program.chmod(0o755)
    inventory = msgspec.structs.replace(INVENTORY, keepalived=Keepalived(config_file=str(config)))
    script = render((checks_section(layout(inventory)),))
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    result = subprocess.run(ARGV, input=script, capture_output=True, timeout=30, env=path)
    (answer,) = answers(result.stdout.decode())
    checks = {check.program: check.valid for check in parse_checks(answer)}
    assert checks["keepalived"] is valid


def timeouts(tmp_path: Path, config: str) -> set[str]:
    """The lines about a configuration file, the same from each awk."""
    file = tmp_path / "haproxy.cfg"
    file.write_text(config)
    results = set()
    for awk in (("mawk",), ("busybox", "awk"), ("gawk",)):
        if shutil.which(awk[0]):
            (tmp_path / "bin").mkdir(exist_ok=True)
            (tmp_path / "bin/awk").write_text(f'#!/bin/sh\nexec {" ".join(awk)} "$@"\n')
            (tmp_path / "bin/awk").chmod(0o755)
            script = f"( set -- {file} 6443\n{load_script('haproxy-proxies')} )"
            path = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
            output = subprocess.run(("sh", "-c", script), capture_output=True, text=True, env=path, check=True).stdout
            results.add(output)
    (result,) = results
    return set(result.splitlines())


DEFAULTS = "defaults\n    mode tcp\n    timeout connect 5s\n    timeout client {}\n    timeout server {}\n"
LISTEN = "listen api\n    bind *:8443\n    server cp1 192.0.2.1:6443 check\n"


def test_own_configuration_closes_no_connection_soon(tmp_path: Path) -> None:
    assert timeouts(tmp_path, haproxy_cfg(INVENTORY)) == {
        "bind k8s_server_6443 *:8443",
        "idle k8s_server_6443 14400.000 timeout tunnel 4h",
        "connect k8s_server_6443 4.000 timeout connect 4s",
    }


@pytest.mark.parametrize(
    ("config", "idle"),
    [
        (DEFAULTS.format("1s", "2s") + LISTEN, {"idle api 1.000 timeout client 1s"}),
        (DEFAULTS.format("5m", "20") + LISTEN, {"idle api 0.020 timeout server 20"}),
        (DEFAULTS.format("1s", "1s") + "    timeout tunnel 1h\n" + LISTEN, {"idle api 3600.000 timeout tunnel 1h"}),
        (DEFAULTS.format("1s", "1s") + LISTEN + "    timeout tunnel 500ms\n", {"idle api 0.500 timeout tunnel 500ms"}),
        (
            DEFAULTS.format("1s", "1s").replace("tcp", "http") + "    timeout tunnel 1h\n" + LISTEN,
            {"idle api 1.000 timeout server 1s"},
        ),
        (DEFAULTS.format("1s", "1s") + LISTEN.replace("6443", "443"), set()),
        ("defaults\n" + LISTEN, set()),
        (
            DEFAULTS.format("1s", "1s") + "defaults long\n    timeout server 1h\n" + LISTEN,
            {"idle api 3600.000 timeout server 1h"},
        ),
        (
            DEFAULTS.format("1s", "1s") + "defaults long\n    timeout server 1h\nlisten api from long\n"
            "    server cp1 192.0.2.1:6443\nlisten web\n    server w 192.0.2.9:80\n",
            {"idle api 3600.000 timeout server 1h"},
        ),
        (
            DEFAULTS.format("5m", "5m")
            + "frontend in\n    bind *:8443\n    default_backend api\n    timeout client 3s\n"
            "backend api\n    server-template cp 3 api.test:6443\n",
            {"idle api 3.000 timeout client 3s"},
        ),
    ],
)
def test_the_timeout_that_closes_an_idle_connection_to_the_api(tmp_path: Path, config: str, idle: set[str]) -> None:
    assert {line for line in timeouts(tmp_path, config) if line.startswith("idle")} == idle


def test_timeouts_belong_to_haproxys_verdict() -> None:
    lines = "haproxy valid /etc/haproxy/haproxy.cfg \nkeepalived valid /etc/k.conf \nidle api 0.020 timeout server 20\n"
    haproxy, keepalived = parse_checks(SectionAnswer("configs", lines, "", 0))
    assert haproxy.timeouts == (ProxyTimeout(TimeoutKind.IDLE, "api", 0.02, "timeout server 20"),)
    assert keepalived.timeouts == ()


@pytest.mark.parametrize(
    ("config", "binds"),
    [
        (LISTEN, {"bind api *:8443"}),
        (
            LISTEN.replace("*:8443", "127.0.0.1:8443,10.0.0.1:8443 name x"),
            {"bind api 127.0.0.1:8443", "bind api 10.0.0.1:8443"},
        ),
        ("listen api :8443\n    server cp1 192.0.2.1:6443\n", {"bind api :8443"}),
        (
            (
                "frontend in\n    bind 192.0.2.9:8443\n    default_backend api\nfrontend page\n    bind *:9000\n"
                "backend api\n    server cp1 192.0.2.1:6443\n"
            ),
            {"bind in 192.0.2.9:8443"},
        ),
        ("listen page\n    bind *:9000\n    stats enable\n", set()),
    ],
)
def test_addresses_at_which_the_api_servers_are_served(tmp_path: Path, config: str, binds: set[str]) -> None:
    assert {line for line in timeouts(tmp_path, config) if line.startswith("bind")} == binds


def test_addresses_belong_to_haproxys_verdict() -> None:
    lines = "haproxy valid /etc/haproxy/haproxy.cfg \nbind api *:8443\nbind api [::1]:8443\n"
    (haproxy,) = parse_checks(SectionAnswer("configs", lines, "", 0))
    assert haproxy.binds == ("*:8443", "[::1]:8443")
