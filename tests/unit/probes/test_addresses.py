from __future__ import annotations

from haconsole.model.hosts import InterfaceAddress
from haconsole.probes.hosts.addresses import AddressChange, apply, parse_change

OWN = InterfaceAddress("eth0", "10.99.0.11", 24)
VIP = InterfaceAddress("eth0", "10.99.0.100", 24)


def test_an_address_is_added_and_removed() -> None:
    assert apply((OWN,), AddressChange(VIP, removed=False)) == (OWN, VIP)
    assert apply((OWN, VIP), AddressChange(VIP, removed=True)) == (OWN,)


def test_an_address_added_twice_is_there_once() -> None:
    assert apply((OWN, VIP), AddressChange(VIP, removed=False)) == (OWN, VIP)


def test_an_address_removed_twice_is_no_error() -> None:
    assert apply((OWN,), AddressChange(VIP, removed=True)) == (OWN,)


def test_other_lines_are_no_change() -> None:
    assert parse_change("3: eth1: <BROADCAST,UP> mtu 1500 qdisc noqueue") is None
    assert parse_change("") is None
