"""Packets that the lab's network drops, as written for nftables and as nftables lists them."""

from __future__ import annotations

from haconsole.lab.outages import NO_OUTAGES, Outages, parse, render

LISTED = """{"nftables": [
{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
{"table": {"family": "bridge", "name": "haconsole", "handle": 1}},
{"set": {"family": "bridge", "name": "cut", "table": "haconsole", "type": "ifname", "handle": 2, "elem": ["cp1"]}},
{"set": {"family": "bridge", "name": "apart", "table": "haconsole", "type": ["ifname", "ifname"], "handle": 3,
 "elem": [{"concat": ["cp3", "cp2"]}, {"concat": ["cp2", "cp3"]}]}},
{"set": {"family": "bridge", "name": "mute", "table": "haconsole", "type": "ifname", "handle": 4}},
{"chain": {"family": "bridge", "table": "haconsole", "name": "forward", "handle": 1, "type": "filter",
 "hook": "forward", "prio": 0, "policy": "accept"}}]}"""


def test_outages_are_read_from_what_nft_lists() -> None:
    assert parse(LISTED) == Outages(frozenset({"cp1"}), frozenset({("cp2", "cp3"), ("cp3", "cp2")}), frozenset())


def test_the_script_replaces_what_was_there() -> None:
    script = render(Outages(cut=frozenset({"cp1"}), cut_pairs=frozenset({("cp2", "cp3")})))
    assert script.startswith("table bridge haconsole\ndelete table bridge haconsole\ntable bridge haconsole {")
    assert 'set cut { type ifname; elements = { "cp1" }; }' in script
    assert 'set apart { type ifname . ifname; elements = { "cp2" . "cp3" }; }' in script
    assert "set mute { type ifname; }" in script


def test_no_outages_leave_no_table() -> None:
    assert render(NO_OUTAGES) == "table bridge haconsole\ndelete table bridge haconsole\n"


def test_reconnecting_one_host_leaves_the_others_outages() -> None:
    there = Outages(frozenset({"cp1", "cp2"}), frozenset({("cp1", "cp3"), ("cp2", "cp3")}), frozenset({"cp1"}))
    assert there.without("cp1") == Outages(frozenset({"cp2"}), frozenset({("cp2", "cp3")}), frozenset())
