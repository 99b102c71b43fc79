"""haproxy's configuration is read as haproxy itself reads it: kept configurations, and generated ones.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many configurations are generated, and which.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.probes.balancers.haproxy_config import ConfiguredServer, HaproxyConfig, configured
from haconsole.probes.balancers.haproxy_files import config_of
from haconsole.scripts import load_script
from tests.fakes.haproxy_configs import ENVIRONMENT, GeneratedHaproxy, HaproxyGenerator
from tests.programs.haproxy_reader import AVAILABLE, ReadConfig, ReadServer, read_by_haproxy

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "40"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))
KEPT = Path(__file__).parent / "haproxy_cfg"

needs_haproxy = pytest.mark.skipif(not AVAILABLE, reason="haproxy in a network namespace needs root")


def read_here(folder: Path, *configs: Path) -> HaproxyConfig:
    """The configuration by the shell functions that hosts run, for a process started with these files."""
    process = folder / "process"
    process.mkdir()
    words = ["/usr/sbin/haproxy", "-Ws", "-p", "/run/x", *(word for path in configs for word in ("-f", str(path)))]
    (process / "cmdline").write_text("\0".join(words) + "\0")
    (process / "environ").write_text("".join(f"{name}={value}\0" for name, value in ENVIRONMENT.items()))
    (process / "root").symlink_to("/")
    script = (
        f"{load_script('lib/haproxy-files')}\nhaproxy_process() {{ printf %s '{process}'; }}\n"
        "echo '=part= files'\nshow_haproxy"
    )
    shell = subprocess.run(("sh", "-c", script), capture_output=True, text=True, check=True)
    assert shell.stderr == ""
    return configured(config_of(shell.stdout))


def server_of(one: ConfiguredServer) -> ReadServer:
    return ReadServer(
        one.name,
        one.address.ip or "-",
        one.address.port or (max(0, one.address.offset)),
        one.weight,
        one.backup,
        one.disabled,
        one.check,
    )


def read_config_of(config: HaproxyConfig) -> ReadConfig:
    """The reading in the form of the runtime API."""
    backends = [proxy for proxy in config.proxies if proxy.kind != "frontend"]
    binds = [bind for proxy in config.proxies for bind in proxy.binds if bind.port is not None]
    return ReadConfig(
        {proxy.name: tuple(map(server_of, proxy.servers)) for proxy in backends},
        {proxy.name: _algorithm(proxy.balance) for proxy in backends},
        frozenset(proxy.name for proxy in config.proxies if proxy.kind != "backend"),
        frozenset(
            (bind.ip or "0.0.0.0", port)
            for bind in binds
            for port in range(bind.port or 0, (bind.last_port or bind.port or 0) + 1)
        ),
    )


def _algorithm(balance: str) -> str:
    """The runtime API has no name for random."""
    name = balance.split(maxsplit=1)[0].partition("(")[0]
    return "unknown" if name == "random" else name


@needs_haproxy
@pytest.mark.parametrize("config", sorted(KEPT.glob("*.cfg")), ids=lambda path: path.stem)
def test_a_kept_configuration_is_read_as_haproxy_does(config: Path, tmp_path: Path) -> None:
    read = read_by_haproxy(config, environment=ENVIRONMENT)
    assert isinstance(read, ReadConfig), read
    assert read_config_of(read_here(tmp_path, config)) == read


def generated(seed: int, folder: Path) -> tuple[GeneratedHaproxy, tuple[Path, ...]]:
    result = HaproxyGenerator(seed).config()
    for name, text in result.files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)
    further = (folder / "conf.d",) if (folder / "conf.d").exists() else ()
    return result, (folder / "haproxy.cfg", *further)


@needs_haproxy
@pytest.mark.thorough
@pytest.mark.timeout(60 + 5 * EXAMPLES)
def test_generated_configurations_are_read_as_haproxy_does(tmp_path: Path) -> None:
    compared = 0
    for seed in range(SEED, SEED + EXAMPLES):
        _, configs = generated(seed, tmp_path / str(seed))
        read = read_by_haproxy(*configs, environment=ENVIRONMENT)
        if isinstance(read, ReadConfig):
            compared += 1
            assert read_config_of(read_here(tmp_path / str(seed), *configs)) == read, f"seed {seed}"
    assert compared >= EXAMPLES * 0.7


def test_generated_configurations_give_the_frontends_and_addresses_they_were_made_of(tmp_path: Path) -> None:
    for seed in range(SEED, SEED + EXAMPLES):
        result, configs = generated(seed, tmp_path / str(seed))
        config = read_here(tmp_path / str(seed), *configs)
        backends = {proxy.name: proxy for proxy in config.proxies if proxy.kind != "frontend"}
        fronts = {name: {front.name for front in config.fronts(proxy)} for name, proxy in backends.items()}
        assert fronts == result.fronts, f"seed {seed}"
        addresses = {
            (name, server.name): (server.address.host, server.address.port)
            for name, proxy in backends.items()
            for server in proxy.servers
            if not server.of_template
        }
        assert addresses == result.addresses, f"seed {seed}"
