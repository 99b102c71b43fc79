"""etcd's store tended on real hosts, while a client writes: defragmented, and rescued when it was full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from haconsole.lab.lab import Lab
from tests.fakes.waiting import eventually
from tests.hosts.conftest import Tell
from tests.hosts.load import EtcdWriter
from tests.hosts.membership import ALL, ETCDCTL, Members
from tests.hosts.program import Program, lacking, outcomes

THREE = ALL[:3]
QUOTA = 32 << 20
pytestmark = pytest.mark.timeout(400)

VALUE = "head -c 1000000 /dev/zero | tr '\\0' x >/tmp/value"
FILL = f"{VALUE}; for n in $(seq %d); do {ETCDCTL} put big </tmp/value >/dev/null; done"

REVISION = f"{ETCDCTL} get big -w fields | sed -n 's/^.Revision. : //p'"


@pytest.fixture
def three(etcd: Members) -> Members:
    etcd.stand(*THREE)
    return etcd


def output_of(events: list[dict[str, object]], step: str) -> str:
    return "\n".join(
        str(event["text"]) for event in events if event["event"] == "step-output" and event["step"] == step
    )


@pytest.mark.nightly
def test_free_pages_are_given_back_and_no_write_fails(three: Members, tell: Tell) -> None:
    three.shell("cp1", FILL % 12 + f"; {ETCDCTL} compact --physical $({REVISION})")
    before = {str(member["host"]): int(member["db_size_bytes"]) for member in three.listed()}
    leader = three.leader(*THREE)
    with EtcdWriter(three.lab, three.addresses) as writes:
        events = three.of(*THREE).events("defrag")
        three.check(*THREE)
    tell("three members are defragmented", writes=writes)
    assert writes.failed == 0, str(writes)
    turns = [step for step in outcomes(events) if step.startswith("etcd.defrag@")]
    assert turns[-1] == f"etcd.defrag@{leader}"
    assert all(" before, " in output_of(events, step) for step in turns)
    after = {str(member["host"]): int(member["db_size_bytes"]) for member in three.listed()}
    assert all(after[host] < before[host] // 2 for host in THREE), (before, after)


def test_nobody_is_defragmented_while_one_is_down(three: Members) -> None:
    three.shell("cp3", "systemctl stop etcd")
    refusal = three.refused(THREE, "defrag")
    three.shell("cp3", "systemctl start etcd --no-block")
    assert lacking(refusal, "cp3", "3 voters, 2 needed, 2 healthy") == []
    assert "alarm" in three.refused(THREE, "disarm-alarm")


@pytest.fixture
def small(three: Members) -> Iterator[Program]:
    """The three with a quota that is soon full."""
    usual = three.of(*THREE)
    path = three.folder / "small.yaml"
    path.write_text(usual.inventory.read_text().replace("\netcd:\n", f"\netcd:\n  quota_bytes: {QUOTA}\n"))
    program = Program(three.lab, three.folder / "state", path)
    program.events("bootstrap")
    yield program
    usual.events("bootstrap")


async def test_a_full_store_takes_writes_again(small: Program, three: Members) -> None:
    lab: Lab = small.lab
    full = lab.exec("cp1", "sh", "-c", FILL % 60, deadline_s=120)
    assert "database space exceeded" in full.stderr
    await eventually(lambda: "etcd.nospace" in {one["code"] for one in three.status(*THREE)["findings"]}, within_s=30)
    events = small.events("disarm-alarm")
    assert events[-1]["outcome"] == "done"
    assert all(f"etcd.defrag@{host}" in outcomes(events) for host in THREE)
    assert "NOSPACE" in "\n".join(str(event.get("text", "")) for event in events)
    three.shell("cp2", f"{ETCDCTL} put big small")
    three.check(*THREE)
