"""Defaults and overrides as the other layers see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.inventory import effective
from haconsole.inventory.schema import Etcd, EtcdTls, Haproxy, Host, Inventory, Kubernetes, Ssh, Sudo, VirtualIp
from haconsole.model.hosts import Role

ALL = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)


def host(number: int, *roles: Role, priority: int | None = None, ssh: Ssh | None = None) -> Host:
    return Host(
        name=f"cp{number}",
        address=f"10.99.0.{10 + number}",
        roles=roles or ALL,
        vrrp_priority=priority,
        ssh=ssh or Ssh(),
    )


def cluster(*hosts: Host, ssh: Ssh | None = None, vips: tuple[VirtualIp, ...] = ()) -> Inventory:
    return Inventory(cluster="lab", hosts=hosts, ssh=ssh or Ssh(), kubernetes=Kubernetes(), vips=vips)


def test_missing_settings_have_the_defaults() -> None:
    one = host(1)
    ssh = effective.ssh_for(cluster(one), one)
    assert (ssh.address, ssh.user, ssh.port, ssh.port_given) == ("10.99.0.11", None, 22, False)
    assert (ssh.sudo, ssh.connect_timeout_s, ssh.jump, ssh.identity_file) == (Sudo.PASSWORDLESS, 10.0, None, None)


def test_a_host_overrides_the_cluster_key_by_key() -> None:
    one = host(1, ssh=Ssh(port=2222, sudo=Sudo.NONE))
    ssh = effective.ssh_for(cluster(one, ssh=Ssh(user="ops", port=22, identity_file="/keys/id")), one)
    assert (ssh.user, ssh.port, ssh.port_given, ssh.sudo) == ("ops", 2222, True, Sudo.NONE)
    assert ssh.identity_file == Path("/keys/id")


def test_a_jump_host_of_the_inventory_goes_by_name() -> None:
    bastion = Host(name="bastion", address="10.0.0.100", ssh_address="203.0.113.9", roles=(Role.BASTION,))
    one, direct = host(1), host(2, ssh=Ssh(jump="none"))
    inventory = cluster(bastion, one, direct, ssh=Ssh(jump="bastion"))
    assert effective.ssh_for(inventory, one).jump == "bastion"
    assert effective.ssh_for(inventory, direct).jump is None
    reach = effective.ssh_for(inventory, bastion)
    assert (reach.jump, reach.address) == (None, "203.0.113.9")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate.example.org", effective.OutsideHost("gate.example.org")),
        ("ops@gate:2222", effective.OutsideHost("gate", "ops", 2222)),
        ("ops@[2001:db8::1]:22", effective.OutsideHost("2001:db8::1", "ops", 22)),
        ("2001:db8::1", effective.OutsideHost("2001:db8::1")),
    ],
)
def test_an_outside_jump_host_is_taken_apart(text: str, expected: effective.OutsideHost) -> None:
    one = host(1, ssh=Ssh(jump=text))
    assert effective.ssh_for(cluster(one), one).jump == expected


def test_priorities_go_down_in_order_around_given_ones() -> None:
    inventory = cluster(host(1), host(2, priority=90), host(3), host(4, Role.ETCD))
    assert effective.vrrp_priorities(inventory) == {"cp1": 100, "cp2": 90, "cp3": 80}


def test_priorities_never_repeat_however_many_balancers() -> None:
    inventory = cluster(*(host(number, priority=100 if number == 9 else None) for number in range(1, 200)))
    priorities = tuple(effective.vrrp_priorities(inventory).values())
    assert len(set(priorities)) == len(priorities) == 199


def test_of_equal_priorities_the_higher_address_outranks_the_other() -> None:
    ranks = effective.vrrp_ranks(cluster(host(9, priority=100), host(10, priority=100), host(1, priority=101)))
    assert sorted(ranks, key=lambda name: ranks[name]) == ["cp9", "cp10", "cp1"]


def test_the_endpoint_follows_the_vip_and_the_balancers_port() -> None:
    vip = VirtualIp(address="10.99.0.100/24", interface="eth0")
    inventory = cluster(host(1), host(2), vips=(vip,))
    assert effective.endpoint(inventory) == ("10.99.0.100", 8443)
    assert effective.vip_addresses(inventory) == ("10.99.0.100",)
    assert (effective.vip_prefix(vip), effective.vip_prefix(VirtualIp(address="10.99.0.100"))) == (24, 32)
    assert effective.vip_interface(inventory, vip, host(1)) == "eth0"


def test_a_given_endpoint_wins_and_may_be_missing() -> None:
    message = Inventory(cluster="c", hosts=(host(1), host(2)), kubernetes=Kubernetes(endpoint="[2001:db8::5]:6443"))
    assert effective.endpoint(message) == ("2001:db8::5", 6443)
    assert effective.endpoint(Inventory(cluster="c", hosts=(host(1),))) is None
    assert effective.endpoint(cluster(host(1, Role.CONTROL_PLANE), host(2, Role.CONTROL_PLANE))) is None
    assert effective.endpoint(cluster(host(1, Role.CONTROL_PLANE))) == ("10.99.0.11", 6443)


def test_haproxy_has_defaults_only_where_a_host_balances() -> None:
    assert effective.haproxy(cluster(host(1))) == Haproxy()
    assert effective.haproxy(cluster(host(1, Role.ETCD))) is None


def test_etcd_is_named_and_reached_as_given() -> None:
    six = Host(name="a", address="2001:db8::1", roles=(Role.ETCD,), etcd_name="infra1")
    plain = Inventory(cluster="c", hosts=(six,), etcd=Etcd(tls=EtcdTls.OFF))
    assert effective.etcd_name(six) == "infra1"
    assert effective.etcd_peer_url(plain, six) == "http://[2001:db8::1]:2380"
    assert effective.etcd_client_url(cluster(host(1)), host(1)) == "https://10.99.0.11:2379"


def test_the_service_address_is_the_first_of_its_network() -> None:
    assert effective.service_ip(cluster(host(1))) == "10.254.0.1"
    assert effective.service_ip(Inventory(cluster="c", hosts=(host(1),))) is None
