"""The inventory and ssh_config put together."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from haconsole.inventory.effective import OutsideHost
from haconsole.inventory.schema import Host, Inventory, Ssh
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.transport.ssh.client_config import ClientConfig
from haconsole.transport.ssh.route import Destination, destination_of, outside_destination, resolve
from haconsole.transport.ssh.tokens import home


@pytest.fixture
def config() -> ClientConfig:
    return ClientConfig()


def destination(ssh: Ssh, cluster: Ssh | None = None, **host: str) -> Destination:
    one = Host(name="cp1", address="10.0.0.1", roles=(Role.ETCD,), ssh=ssh, **host)  # type: ignore[arg-type]
    return destination_of(Inventory(cluster="c", hosts=(one,), ssh=cluster or Ssh()), one)


async def test_without_ssh_config_the_defaults_are_those_of_ssh(
    config: ClientConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haconsole.transport.ssh.tokens.home", lambda user="": tmp_path)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").touch()
    route = await resolve(destination(Ssh(user="ops", config="/dev/null")), config)
    assert (route.where, route.jumps, route.explicit) == ("ops@10.0.0.1:22", (), False)
    assert route.identities == (tmp_path / ".ssh" / "id_ed25519",)
    assert route.known_hosts[0] == Path(pwd.getpwuid(os.getuid()).pw_dir, ".ssh", "known_hosts")


async def test_ssh_config_is_read(config: ClientConfig, tmp_path: Path) -> None:
    lines = ("HostName 10.9.9.9", "HostKeyAlias alias", "Port 2222", "User x", "IdentityFile ~/k", "ProxyJump a,u@b:23")
    (tmp_path / "config").write_text("\n".join(("Host seed", *lines)))
    route = await resolve(destination(Ssh(config=str(tmp_path / "config")), ssh_address="seed"), config)
    assert (route.where, route.alias, route.known_as) == ("x@10.9.9.9:2222", "seed", "alias")
    assert route.identities == (home() / "k",)
    assert (route.jumps, route.jumps_by_config) == ((OutsideHost("a"), OutsideHost("b", "u", 23)), True)


async def test_a_jump_host_outside_takes_what_ssh_config_leaves_open(config: ClientConfig, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host known\n User theirs\n IdentityFile /theirs\n")
    behind = destination(Ssh(user="ops", identity_file="/ours", config=str(tmp_path / "config")))
    routes = [await resolve(outside_destination(OutsideHost(name), (), behind), config) for name in ("known", "other")]
    assert [(route.user, *map(str, route.identities)) for route in routes] == [("theirs", "/theirs"), ("ops", "/ours")]
    named = await resolve(outside_destination(OutsideHost("known", "me", 24), (), behind), config)
    assert named.where == "me@known:24"


async def test_none_forbids_a_jump_host_for_the_cluster_or_a_host(config: ClientConfig, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("ProxyJump nowhere\nProxyCommand false\n")
    cluster = Ssh(config=str(tmp_path / "config"))
    for ssh, jump in ((Ssh(jump="none"), Ssh()), (Ssh(), Ssh(jump="none"))):
        route = await resolve(destination(ssh, Ssh(jump=jump.jump, config=cluster.config)), config)
        assert (route.jumps, route.proxy_command) == ((), ())
    assert (await resolve(destination(Ssh(), cluster), config)).jumps == (OutsideHost("nowhere"),)


async def test_a_jump_host_of_the_inventory_is_taken_by_name(config: ClientConfig) -> None:
    bastion = Host(name="gate", address="10.0.0.9", roles=(Role.BASTION,))
    one = Host(name="cp1", address="10.0.0.1", roles=(Role.ETCD,))
    inventory = Inventory(cluster="c", hosts=(bastion, one), ssh=Ssh(jump="gate", config="/dev/null"))
    assert (await resolve(destination_of(inventory, one), config)).jumps == (HostName("gate"),)
    assert (await resolve(destination_of(inventory, bastion), config)).jumps == ()


async def test_an_ipv6_address_is_in_brackets(config: ClientConfig) -> None:
    one = Host(name="cp1", address="fd00::1", roles=(Role.ETCD,), ssh=Ssh(user="ops", config="/dev/null"))
    inventory = Inventory(cluster="c", hosts=(one,))
    assert (await resolve(destination_of(inventory, one), config)).where == "ops@[fd00::1]:22"
