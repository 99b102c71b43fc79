"""etcd's store tended on a real member: it fills up, refuses writes, and takes them again."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from haconsole.actions.checks import HasRoom, NoAlarm
from haconsole.actions.operations import CompactHistory, Defragment, DisarmAlarm, SaveSnapshot
from haconsole.execution.etcd.storage import store_problems, tend_etcd
from haconsole.execution.host.transfer import not_whole
from haconsole.execution.outcome import OperationResult
from haconsole.execution.perform import in_silence
from haconsole.transport.etcd_api import EtcdApi, EtcdError
from tests.programs.etcd import new_member, running
from tests.unit.execution.test_etcd_changes import M1, STEADY, Bench

QUOTA = 16 << 20


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[Bench]:
    """A member whose one key was written until the quota was full."""
    first, second = new_member("m1", tmp_path), new_member("m2", tmp_path)
    with running(first, flags=(*STEADY, f"--quota-backend-bytes={QUOTA}")):
        async with await EtcdApi.open(M1, first.target, None) as api:
            with pytest.raises(EtcdError, match="space exceeded"):
                await fill(api)
        yield Bench(first, second, tmp_path)


async def fill(api: EtcdApi) -> None:
    for _ in range(100):
        await api.put(b"key", b"x" * (1 << 20))


async def test_a_full_store_takes_writes_again(full: Bench) -> None:
    async def tend(operation: CompactHistory | Defragment | DisarmAlarm) -> OperationResult:
        return await tend_etcd(full.context, operation, M1, in_silence)

    async with await EtcdApi.open(M1, full.first.target, None) as api:
        room, quiet = HasRoom(QUOTA), NoAlarm("NOSPACE")
        status = await api.status()
        assert "of 16.0 MiB: raise etcd.quota_bytes" in store_problems("m1", status, room)[0]
        assert store_problems("m1", status, quiet) == (f"m1: the alarm NOSPACE is raised by {status.member_id}",)
        assert (await tend(CompactHistory((M1,)))).output.startswith("history before revision ")
        assert (await tend(CompactHistory((M1,)))).output.endswith(" is compacted")
        output = (await tend(Defragment())).output
        assert output.startswith("m1: ")
        assert " before, " in output
        status = await api.status()
        assert store_problems("m1", status, room) == ()
        assert (await tend(DisarmAlarm("NOSPACE", (M1,)))).output == f"disarmed the alarm NOSPACE of {status.member_id}"
        assert store_problems("m1", await api.status(), quiet) == ()
        await api.put(b"key", b"again")
        assert (await tend(DisarmAlarm("NOSPACE", (M1,)))).output == "disarmed the alarm NOSPACE of no member"


async def test_a_snapshot_is_saved_on_a_host_without_etcdctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new_member("m1", tmp_path), new_member("m2", tmp_path)
    here, path = tmp_path / "here", tmp_path / "host/snapshots/lab.db"
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(here))
    with running(first, flags=STEADY):
        bench = Bench(first, second, tmp_path)
        async with await EtcdApi.open(M1, first.target, None) as api:
            await api.put(b"key", b"x" * (1 << 20))
        saved = await tend_etcd(bench.context, SaveSnapshot(str(path)), M1, in_silence)
    assert not_whole(path) == ()
    assert path.stat().st_mode & 0o777 == 0o600
    assert saved.output.startswith(f"{path}: {path.stat().st_size} bytes, SHA-256 ")
    assert list(here.iterdir()) == [], "a copy of every secret of the cluster stayed on this machine"
