"""Every guard of join, remove and replace, refusing on a real cluster that is in the state it is for.

| state                                            | test                                              |
|--------------------------------------------------|---------------------------------------------------|
| a member elsewhere is not healthy                | test_an_unhealthy_member_elsewhere                |
| too few healthy voters would be left             | test_a_removal_that_leaves_too_few                |
| a member was added and never started             | test_an_unstarted_member_that_waits               |
| the peer port cannot be reached                  | test_a_peer_port_behind_a_firewall                |
| another cluster's data is on the joiner          | test_data_that_is_not_this_clusters               |
| the same name, or the same address, twice        | test_a_name_or_an_address_twice                   |
| versions that do not go together                 | test_another_version_of_etcd                      |
| an even number of voters (a warning)             | test_an_even_number_is_warned_of                  |
| the last member, control plane, balancer         | test_the_last_of_its_kind                         |
| no snapshot can be taken, or it is damaged       | test_no_change_without_an_intact_snapshot         |
| no current member list, or no quorum             | test_no_plan_from_a_list_of_old                   |
| a host or an ID that is not there                | test_hosts_and_ids_that_are_not_there             |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from haconsole.inventory.load import examine
from tests.fakes.waiting import eventually
from tests.hosts.membership import ALL, ETCDCTL, Members
from tests.hosts.program import lacking, outcomes

FOUR = ALL[:4]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def three(etcd: Members) -> Members:
    """cp1, cp2 and cp3 are members; cp4 and cp5 are bare."""
    etcd.stand(*ALL[:3])
    return etcd


@contextmanager
def stopped(members: Members, *hosts: str) -> Iterator[None]:
    """etcd is down on these hosts while the block lasts."""
    for host in hosts:
        members.shell(host, "systemctl kill -s KILL etcd; systemctl stop etcd")
    try:
        yield
    finally:
        for host in hosts:
            members.shell(host, "systemctl start etcd --no-block")


def ids(members: Members, host: str = "cp1") -> list[str]:
    """The IDs on etcd's list, as its own tool prints them."""
    output = members.shell(host, f"{ETCDCTL} member list")
    return sorted(line.partition(",")[0] for line in output.splitlines())


def test_an_unhealthy_member_elsewhere(three: Members) -> None:
    with stopped(three, "cp3"):
        refusal = three.refused(FOUR, "join", "cp4")
        assert lacking(refusal, "cp3", "3 voters, 2 needed, 2 healthy", "run remove cp3") == []


def test_a_removal_that_leaves_too_few(three: Members) -> None:
    with stopped(three, "cp3"):
        refusal = three.refused(FOUR, "remove", "cp2")
    assert lacking(refusal, "cp2", "3 voters, 2 needed, 2 healthy", "2 voters, 2 needed, 1 healthy") == []


def test_an_unstarted_member_that_waits(three: Members) -> None:
    before = ids(three)
    three.add_learner("cp5")
    (waiting,) = set(ids(three)) - set(before)
    for action, host in (("join", "cp4"), ("remove", "cp3")):
        refusal = three.refused(ALL, action, host)
        assert lacking(refusal, "run join cp5", f"run remove with member-id = {waiting}") == []
    three.of(*ALL).events("remove", "--member-id", waiting)
    assert ids(three) == before


def test_a_peer_port_behind_a_firewall(three: Members) -> None:
    """Each direction counts: the members must reach the joiner, and the joiner the members."""
    before = ids(three)
    there = three.shell("cp4", "ls -la --time-style=full-iso /etc/etcd /var/lib/etcd 2>&1 || :")
    for closed, asker in (("cp4", "cp1"), ("cp2", "cp4")):
        three.shell(closed, "nft 'add table ip t; add chain ip t i { type filter hook input priority 0; }'")
        three.shell(closed, "nft 'add rule ip t i tcp dport 2380 drop'")
        try:
            if closed == "cp2":  # its own peers go on over the connections they have
                three.shell(closed, "nft 'insert rule ip t i ct state established accept'")
            result = three.of(*FOUR)("run", "join", "cp4", "--yes")
        finally:
            three.shell(closed, "nft delete table ip t")
        assert result.returncode != 0
        address = three.lab.spec.host(closed).address
        assert lacking(result.stdout + result.stderr, f"{closed} ({address}) port 2380") == [], f"from {asker}"
    assert ids(three) == before
    assert three.shell("cp4", "ls -la --time-style=full-iso /etc/etcd /var/lib/etcd 2>&1 || :") == there


def test_data_that_is_not_this_clusters(three: Members) -> None:
    before = ids(three)
    three.shell("cp4", "install -d -o etcd -g etcd /var/lib/etcd/member/wal; rm -f /etc/etcd/etcd.env")
    there = three.shell("cp4", "ls /var/lib/etcd")
    try:
        result = three.of(*FOUR)("run", "join", "cp4", "--yes")
        content = three.shell("cp4", "ls /var/lib/etcd")
    finally:
        three.shell("cp4", "rm -rf /var/lib/etcd/member")
    assert result.returncode != 0
    output = result.stdout + result.stderr
    move = "systemctl stop etcd; mv /var/lib/etcd/member /var/lib/etcd/member.old"
    assert lacking(output, "/etc/etcd/etcd.env", move) == []
    assert (content, ids(three)) == (there, before)


@pytest.mark.nightly
def test_a_name_or_an_address_twice(three: Members) -> None:
    program = three.of(*FOUR)
    text = program.inventory.read_text()
    address = three.lab.spec.host("cp4").address
    named = text.replace(f"cp4, address: {address}", f"cp4, address: {address}, etcd_name: cp2")
    alias = text.replace(f"address: {address}", f"address: {three.lab.spec.host('cp2').address}")
    for wrong, words in ((named, "cp2"), (alias, three.lab.spec.host("cp2").address)):
        problems = "\n".join(map(str, examine(wrong, "inventory", program.inventory.parent).problems))
        assert words in problems
    alone = three.folder / "cp4-is-cp2.yaml"
    contents = [line for line in named.splitlines() if "{name: cp2," not in line]
    alone.write_text("\n".join(contents) + "\n")
    (member,) = (one["id"] for one in three.listed() if one["name"] == "cp2")
    refusal = three.refused_by(alone, "join", "cp4")
    url = f"https://{three.lab.spec.host('cp2').address}:2380"
    assert lacking(refusal, "cp2", str(member), url, "etcd_name") == []
    three.of(*FOUR).events("join", "cp4")
    with stopped(three, "cp4"):
        refusal = three.refused(FOUR, "join", "cp4")
    assert lacking(refusal, "cp4", "run remove cp4") == []


def test_another_version_of_etcd(three: Members) -> None:
    before = ids(three)
    three.shell("cp4", "cp /usr/bin/etcd /root/etcd; printf '#!/bin/sh\\necho etcd Version: 3.5.16\\n' >/usr/bin/etcd")
    try:
        result = three.of(*FOUR)("run", "join", "cp4", "--yes")
    finally:
        three.shell("cp4", "mv /root/etcd /usr/bin/etcd")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert lacking(output, "/usr/bin/etcd", "3.4") == []
    assert ids(three) == before


def test_an_even_number_is_warned_of(three: Members) -> None:
    result = three.of(*FOUR)("plan", "join", "cp4")
    assert result.returncode == 0, result.stderr
    assert "4 voters" in result.stdout


@pytest.mark.nightly
def test_the_last_of_its_kind(etcd: Members) -> None:
    etcd.stand("cp1")
    output = etcd.refused(("cp1",), "remove", "cp1")
    assert lacking(output, "cp1", "last", "etcd") == []
    whole = etcd.folder / "one-of-each.yaml"
    text = etcd.of("cp1", "cp2").inventory.read_text().replace("roles: [etcd]", f"roles: {ROLES}", 1)
    vip = etcd.lab.spec.vip
    whole.write_text(
        text + f"kubernetes: {{endpoint: '{vip}:8443'}}\n" + f"vips: [{{address: {vip}}}]\nhaproxy: {{}}\n"
    )
    output = etcd.refused_by(whole, "remove", "cp1")
    assert lacking(output, "last control plane", "last load balancer") == []


ROLES = "[etcd, control-plane, load-balancer]"


@pytest.mark.parametrize("how", ["no room", "damaged"])
def test_no_change_without_an_intact_snapshot(three: Members, how: str) -> None:
    """Where it cannot be written, and where what was written is not what etcd sent, the run ends before any change."""
    before = ids(three)
    break_it, hint = SNAPSHOTS[how]
    for host in ALL[:3]:
        three.shell(host, break_it)
    try:
        result = three.of(*FOUR)("run", "remove", "cp3", "--yes", "--json")
    finally:
        for host in ALL[:3]:
            three.shell(host, hint)
    assert result.returncode != 0
    lines = [line for line in result.stdout.splitlines() if '"outcome":"failed"' in line]
    assert any("etcd.snapshot@" in line for line in lines), result.stdout
    assert ids(three) == before


PLACE = "/var/lib/etcd-snapshots"
TOOL = "/usr/bin/etcdctl"
LOSSY = f"""#!/bin/sh
{TOOL}.kept "$@" || exit
for file; do [ ! -s "$file" ] || printf x | dd of="$file" bs=1 seek=4096 conv=notrunc 2>/dev/null; done
"""
"""etcd's own tool on a bad disk."""
SNAPSHOTS = {
    "no room": (f"mv {PLACE} {PLACE}.kept 2>/dev/null; : >{PLACE}", f"rm {PLACE}; mv {PLACE}.kept {PLACE} || :"),
    "damaged": (
        f"mv {TOOL} {TOOL}.kept; cat >{TOOL} <<'END'\n{LOSSY}END\nchmod +x {TOOL}",
        f"mv {TOOL}.kept {TOOL}",
    ),
}


async def test_no_plan_from_a_list_of_old(three: Members) -> None:
    with stopped(three, "cp2", "cp3"):
        refusal = three.refused(FOUR, "remove", "cp3")
        assert "3 voters, 2 needed, 1 answering" in refusal
        with stopped(three, "cp1"):
            for action in ("join", "remove"):
                refusal = three.refused(FOUR, action, "cp4" if action == "join" else "cp3")
                assert "member list" in refusal
    await eventually(lambda: all(member["healthy"] for member in three.listed()), within_s=60)


@pytest.mark.nightly
def test_hosts_and_ids_that_are_not_there(three: Members) -> None:
    assert "cp9" in three.refused(FOUR, "join", "cp9")
    assert "cp9" in three.refused(FOUR, "remove", "cp9")
    assert "beef" in three.refused(FOUR, "remove", "--member-id", "beef")
    refusal = three.refused(FOUR, "remove", "--member-id", three.id_of("cp2"))
    assert "run remove cp2" in refusal
    assert "cp2" in three.refused(FOUR, "replace", "cp2", "cp2")


@pytest.mark.nightly
def test_a_run_that_is_refused_has_changed_nothing(three: Members) -> None:
    """A correct run after refused ones finds nothing changed."""
    three.of(*FOUR).events("join", "cp4")
    three.check(*FOUR)
    second = three.of(*FOUR).events("join", "cp4")
    assert set(outcomes(second).values()) == {"already"}
