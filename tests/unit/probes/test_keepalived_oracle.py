"""keepalived.conf is read as keepalived itself reads it: every kept configuration, and generated ones.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many configurations are generated, and which.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from haconsole.probes.balancers.keepalived_config import ConfiguredInstance, ConfiguredVip, configured
from haconsole.probes.balancers.keepalived_files import FUNCTIONS, config_of
from haconsole.probes.balancers.keepalived_lines import ConfigFiles
from tests.fakes.keepalived_configs import CONFIG_ID, ConfigGenerator, GeneratedConfig
from tests.programs.keepalived import AVAILABLE, DumpedInstance, read_by_keepalived

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "30"))
SEED = int(os.environ.get("HACONSOLE_ORACLE_SEED", "1"))
KEPT = Path(__file__).parent / "keepalived_conf"

needs_keepalived = pytest.mark.skipif(not AVAILABLE, reason="keepalived in a network namespace needs root")


def stored_cases() -> list[Path]:
    return sorted(path for path in KEPT.glob("*/*.conf") if path.name.startswith("keepalived"))


def read_here(config: Path) -> ConfigFiles:
    """The configuration by the shell functions that hosts run."""
    shell = subprocess.run(
        ("sh", "-c", f"{FUNCTIONS}\nshow_files {config}"), capture_output=True, text=True, check=True, errors="replace"
    )
    assert shell.stderr == ""
    return config_of({"files": shell.stdout, "node": f"{CONFIG_ID}.example.org"})


def in_dump_form(one: ConfiguredInstance) -> dict[str, object]:
    """The values that both have, in the form of keepalived's dump."""
    advert = f"{one.advert_int_s:.0f} sec" if one.version == 2 else f"{one.advert_int_s * 1000:.0f} milli-sec"
    return {
        "name": one.name,
        "interface": one.interface,
        "router_id": str(one.router_id),
        "priority": str(one.priority),
        "version": str(one.version),
        "advert": advert,
        "preempt": "disabled" if one.nopreempt else "enabled",
        "auth": (one.auth_type == "PASS", one.auth_pass if one.auth_type == "PASS" else ""),
        "vips": [_vip(vip, one.interface) for vip in one.vips if not vip.excluded],
        "excluded": [_vip(vip, one.interface) for vip in one.vips if vip.excluded],
        "peers": list(one.unicast_peers),
        "tracked": {(each.keyword.removeprefix("track_"), each.name, each.weight) for each in one.tracked},
    }


def _vip(vip: ConfiguredVip, interface: str) -> str:
    whole = {None, 128 if ":" in vip.address else 32}
    return vip.address + ("" if vip.prefix in whole else f"/{vip.prefix}") + f" dev {vip.interface or interface}"


def dumped(one: DumpedInstance) -> dict[str, object]:
    return {
        "name": one.name,
        "interface": one.values["Interface"],
        "router_id": one.values["Virtual Router ID"],
        "priority": one.values["Priority"],
        "version": one.values["VRRP Version"],
        "advert": one.values["Advert interval"],
        "preempt": one.values["Preempt"],
        "auth": (one.values.get("Authentication type") == "SIMPLE_PASSWORD", one.values.get("Password", "")),
        "vips": [" ".join(line.split()[:3]) for line in one.vips],
        "excluded": [" ".join(line.split()[:3]) for line in one.excluded],
        "peers": one.peers,
        "tracked": one.tracked,
    }


@needs_keepalived
@pytest.mark.parametrize("config", stored_cases(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_kept_configuration_is_read_as_keepalived_does(config: Path) -> None:
    read = read_by_keepalived(config, "-i", CONFIG_ID)
    assert read is not None
    assert [in_dump_form(one) for one in configured(read_here(config))] == [dumped(one) for one in read]


def generated(seed: int, folder: Path) -> tuple[GeneratedConfig, Path]:
    """Every second one has a line that keepalived ignores or reads otherwise."""
    result = ConfigGenerator(seed, faulty=seed % 2 == 0).config()
    for name, text in result.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return result, folder / "keepalived.conf"


@needs_keepalived
@pytest.mark.thorough
@pytest.mark.timeout(60 + 5 * EXAMPLES)
def test_generated_configurations_are_read_as_keepalived_does(tmp_path: Path) -> None:
    compared = 0
    for seed in range(SEED, SEED + EXAMPLES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        _, config = generated(seed, folder)
        read = read_by_keepalived(config, "-i", CONFIG_ID)
        if read is None:
            continue
        compared += 1
        here = [in_dump_form(one) for one in configured(read_here(config))]
        assert here == [dumped(one) for one in read], f"seed {seed}"
    assert compared >= EXAMPLES * 0.7


def test_valid_generated_configurations_give_the_values_they_were_made_of(tmp_path: Path) -> None:
    for seed in range(SEED, SEED + EXAMPLES):
        if seed % 2 == 0:
            continue
        folder = tmp_path / str(seed)
        folder.mkdir()
        result, config = generated(seed, folder)
        read = configured(read_here(config))
        assert [
            (one.name, one.interface, one.router_id, one.priority, list(one.unicast_peers), _addresses(one))
            for one in read
        ] == [
            (one.name, one.interface, one.router_id, one.priority, one.peers, one.vips) for one in result.instances
        ], f"seed {seed}"


def _addresses(one: ConfiguredInstance) -> list[str]:
    return [vip.address if vip.prefix is None else f"{vip.address}/{vip.prefix}" for vip in one.vips]
