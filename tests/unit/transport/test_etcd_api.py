"""The etcd client against a real member on loopback, reached as over SSH: TLS through a Unix socket."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from haconsole.model.etcd import EtcdAlarm
from haconsole.model.names import HostName, MemberId
from haconsole.model.observed import Cause
from haconsole.model.secret import Secret
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.transport.etcd_api import EtcdApi, EtcdCredentials, EtcdError, EtcdErrorKind
from tests.programs.etcd import Member, Tls, make_tls, new_member, running, start
from tests.programs.pump import forward

HOST = HostName("cp1")
BINARY = os.environ.get("HACONSOLE_TEST_ETCD", "etcd")
"""Another etcd to run these tests against, e.g. a newer release."""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory, tls: Tls) -> Iterator[Member]:
    """One member with TLS that the tests share; none of them takes its quorum."""
    one = new_member("m1", tmp_path_factory.mktemp("etcd"), tls, BINARY)
    with running(one):
        yield one


@pytest.fixture
def socket(member: Member, tmp_path: Path) -> Iterator[Path]:
    with forward(tmp_path, member.client_port) as path:
        yield path


@pytest.fixture
async def api(socket: Path, tls: Tls) -> AsyncIterator[EtcdApi]:
    async with await EtcdApi.open(HOST, socket, tls.client, server_name="127.0.0.1") as opened:
        yield opened


async def refused(target: Path | str, credentials: EtcdCredentials | None, **names: str) -> EtcdError:
    """The error of a status call."""
    async with await EtcdApi.open(HOST, target, credentials, **names) as api:
        with pytest.raises(EtcdError) as excinfo:
            await api.status()
    return excinfo.value


def test_importing_the_client_loads_no_grpc() -> None:
    code = "import sys, haconsole.transport.etcd_api; sys.exit('grpc' in sys.modules or 'etcd3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


async def test_queries_load_no_grpc(socket: Path, tls: Tls) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from haconsole.model.secret import Secret
from haconsole.probes.etcd.endpoint import probe_etcd
from haconsole.transport.etcd_api import EtcdApi, EtcdCredentials

async def main():
    socket, *files = map(Path, sys.argv[1:])
    ca, cert, key = (path.read_bytes() for path in files)
    credentials = EtcdCredentials(ca, cert, Secret(key.decode()))
    async with await EtcdApi.open("cp1", socket, credentials, server_name="127.0.0.1") as api:
        assert (await probe_etcd(api)).healthy
        assert await api.get_prefix(b"/nowhere") == ()
    sys.exit("grpc" in sys.modules or "etcd3" in sys.modules)

asyncio.run(main())
"""
    argv = [sys.executable, "-c", script, *map(str, (socket, tls.ca, tls.cert, tls.key))]
    assert (await asyncio.to_thread(subprocess.run, argv, check=False)).returncode == 0


@pytest.mark.parametrize("flags", [("--enable-grpc-gateway=false",), ()], ids=["off", "not-trusted"])
async def test_a_member_without_its_gateway_is_queried_over_grpc(flags: tuple[str, ...], tmp_path: Path) -> None:
    """The gateway is etcd's own client, so a certificate for servers only keeps it out of a member that checks them."""
    tls = make_tls(tmp_path / "tls", usages=("server", "client") if flags else ("server",))
    one = new_member("m1", tmp_path, tls, BINARY)
    with running(one, flags=flags), forward(tmp_path, one.client_port) as path:
        async with await EtcdApi.open(HOST, path, tls.client, server_name="127.0.0.1") as api:
            endpoint = await probe_etcd(api)
            assert endpoint.healthy
            assert [each.name for each in endpoint.members] == ["m1"]
            await api.put(b"/case/b", b"two")
            assert [entry.value for entry in await api.get_prefix(b"/case/")] == [b"two"]


async def test_users_by_the_name_in_their_certificate_are_queried_over_grpc(tmp_path: Path) -> None:
    tls = make_tls(tmp_path / "tls")
    one = new_member("m1", tmp_path, tls, BINARY)
    with running(one), forward(tmp_path, one.client_port) as path:
        flags = (f"--endpoints={one.client_url}", f"--cacert={tls.ca}", f"--cert={tls.cert}", f"--key={tls.key}")
        for command in (
            *(f"user add {name} --no-password" for name in ("root", "client")),
            *(f"user grant-role {name} root" for name in ("root", "client")),
            "auth enable",
        ):
            subprocess.run(("etcdctl", *flags, *command.split()), check=True, stdout=subprocess.DEVNULL)
        async with await EtcdApi.open(HOST, path, tls.client, server_name="127.0.0.1") as api:
            assert (await probe_etcd(api)).healthy
            await api.put(b"/case/b", b"two")
            assert [entry.value for entry in await api.get_prefix(b"/case/")] == [b"two"]


async def test_a_cancelled_query_gives_its_answer_to_nobody(tls: Tls, tmp_path: Path) -> None:
    one = new_member("m1", tmp_path, tls, BINARY)
    with running(one) as process, forward(tmp_path, one.client_port) as path:
        async with await EtcdApi.open(HOST, path, tls.client, server_name="127.0.0.1") as api:
            await api.put(b"/case/a", b"one")
            await api.status()
            process.freeze()
            late = asyncio.create_task(api.status(deadline_s=5.0))
            await asyncio.sleep(0.2)
            late.cancel()
            await asyncio.gather(late, return_exceptions=True)
            reading = asyncio.create_task(api.get(b"/case/a", deadline_s=5.0))
            await asyncio.sleep(0.2)
            process.thaw()
            value = await reading
            assert value is not None
            assert value.value == b"one"


async def test_a_member_reports_its_state(api: EtcdApi, member: Member) -> None:
    status = await api.status()
    assert status.leader_id == status.member_id
    assert status.version.startswith("3.")
    assert status.db_in_use_bytes is not None
    assert 0 < status.db_in_use_bytes <= status.db_size_bytes
    assert status.raft_applied_index > 0
    assert not status.learner
    (listed,) = await api.members()
    assert (listed.id, listed.name, listed.peer_urls) == (status.member_id, "m1", (member.peer_url,))
    assert listed.client_urls == (member.client_url,)
    assert await api.alarms() == ()


async def test_keys_are_written_and_read(api: EtcdApi) -> None:
    revision = await api.put(b"/case/a", b"\x00one")
    await api.put(b"/case/b", b"two")
    await api.put(b"/casf", b"outside")
    first = await api.get(b"/case/a")
    assert first is not None
    assert (first.value, first.mod_revision) == (b"\x00one", revision)
    assert [entry.key for entry in await api.get_prefix(b"/case/")] == [b"/case/a", b"/case/b"]
    assert await api.get(b"/nowhere", serializable=True) is None


async def test_a_snapshot_is_complete_private_and_readable_by_etcdctl(api: EtcdApi, tmp_path: Path) -> None:
    await api.put(b"/snapshot", b"x" * 200_000)
    saved = await api.maintenance.snapshot_to(tmp_path / "etcd.db")
    path = tmp_path / "etcd.db"
    assert path.stat().st_size == saved.size_bytes
    assert path.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "etcd.db.part").exists()
    quiet = subprocess.DEVNULL
    output = await asyncio.create_subprocess_exec("etcdctl", "snapshot", "status", path, stdout=quiet, stderr=quiet)
    assert await output.wait() == 0


async def test_a_snapshot_that_fails_leaves_no_file(tls: Tls, tmp_path: Path) -> None:
    async with await EtcdApi.open(HOST, tmp_path / "nothing.sock", tls.client) as api:
        with pytest.raises(EtcdError):
            await api.maintenance.snapshot_to(tmp_path / "etcd.db")
    assert not any("etcd.db" in name for name in os.listdir(tmp_path))  # noqa: PTH208


async def test_history_is_compacted_and_space_given_back(api: EtcdApi) -> None:
    revision = await api.put(b"/history", b"1")
    await api.maintenance.compact(revision)
    await api.maintenance.defragment()
    output = await api.maintenance.hash_kv()
    assert (output.revision, output.compact_revision) == (revision, revision)
    with pytest.raises(EtcdError) as excinfo:
        await api.maintenance.compact(revision - 1)
    assert excinfo.value.kind is EtcdErrorKind.COMPACTED


async def test_an_alarm_that_is_not_raised_is_not_disarmed(api: EtcdApi) -> None:
    status = await api.status()
    assert await api.maintenance.disarm(EtcdAlarm(status.member_id, "CORRUPT")) == ()


async def test_membership_mistakes_are_distinguished(api: EtcdApi) -> None:
    status = await api.status()
    with pytest.raises(EtcdError) as unknown:
        await api.membership.remove(MemberId("abc"))
    assert unknown.value.kind is EtcdErrorKind.NOT_FOUND
    with pytest.raises(EtcdError) as voter:
        await api.membership.promote(status.member_id)
    assert voter.value.kind is EtcdErrorKind.NOT_A_LEARNER
    with pytest.raises(EtcdError) as stranger:
        await api.membership.move_leader(MemberId("abc"))
    assert stranger.value.kind is EtcdErrorKind.NOT_A_VOTER


async def test_without_a_client_certificate_it_is_refused_with_a_message(socket: Path, tls: Tls) -> None:
    error = await refused(socket, EtcdCredentials(tls.client.ca), server_name="127.0.0.1")
    assert error.kind is EtcdErrorKind.TLS
    assert error.cause is Cause.AUTH_FAILED
    assert "client certificate" in str(error)


async def test_certificates_of_another_ca_are_refused(socket: Path, tls: Tls, tmp_path: Path) -> None:
    other = make_tls(tmp_path / "other").client
    error = await refused(socket, EtcdCredentials(tls.client.ca, other.cert, other.key), server_name="127.0.0.1")
    assert error.kind is EtcdErrorKind.TLS
    error = await refused(socket, other, server_name="127.0.0.1")
    assert "not signed by the CA in use" in str(error)


async def test_a_server_with_another_name_is_refused(socket: Path, tls: Tls) -> None:
    error = await refused(socket, tls.client, server_name="10.9.9.9")
    assert "is not valid for the address" in str(error)


async def test_a_key_that_cannot_be_read_is_reported_and_not_shown(socket: Path, tls: Tls) -> None:
    credentials = EtcdCredentials(tls.client.ca, tls.client.cert, Secret("hush"))
    error = await refused(socket, credentials)
    assert "cannot be read" in str(error)
    assert "hush" not in f"{error!r} {credentials!r}"


async def test_a_refused_connection_is_distinguished_from_a_broken_one(tls: Tls, tmp_path: Path) -> None:
    assert (await refused("127.0.0.1:1", tls.client)).cause is Cause.REFUSED
    with forward(tmp_path, 1) as path:
        assert (await refused(path, tls.client)).cause is Cause.CONNECTION_LOST


@pytest.fixture
async def silent_server(tmp_path: Path) -> AsyncIterator[EtcdApi]:
    """A client of a server that takes connections and never sends anything."""
    path = tmp_path / "hung.sock"
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(lambda _, writer: writers.append(writer), path)
    async with await EtcdApi.open(HOST, path, None) as opened:
        yield opened
    for writer in writers:
        writer.close()
    server.close()


async def test_a_member_that_hangs_is_given_up_at_the_deadline(silent_server: EtcdApi) -> None:
    with pytest.raises(EtcdError) as excinfo:
        await silent_server.status(deadline_s=0.1)
    assert excinfo.value.kind is EtcdErrorKind.DEADLINE
    assert "no answer within 0.1 s" in str(excinfo.value)


async def test_a_question_can_be_cancelled(silent_server: EtcdApi) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await silent_server.status(deadline_s=60)


async def test_a_snapshot_can_be_cancelled(silent_server: EtcdApi, tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await silent_server.maintenance.snapshot_to(tmp_path / "etcd.db", deadline_s=60)
    assert not any("etcd.db" in name for name in os.listdir(tmp_path))  # noqa: PTH208


async def test_a_closed_client_is_an_error(api: EtcdApi) -> None:
    await api.close()
    with pytest.raises(EtcdError, match="closed"):
        await api.status()


async def test_from_learner_to_voter_to_no_quorum(tmp_path: Path) -> None:
    """The life of a second member, and the answers of the first when it is gone."""
    first, second = new_member("m1", tmp_path, None, BINARY), new_member("m2", tmp_path, None, BINARY)
    with running(first):
        async with (
            await EtcdApi.open(HOST, first.target, None) as api,
            await EtcdApi.open(HostName("cp2"), second.target, None) as joined,
        ):
            learner = await api.membership.add((second.peer_url,))
            assert (learner.learner, learner.started) == (True, False)
            with pytest.raises(EtcdError) as early:
                await api.membership.promote(learner.id)
            assert early.value.kind is EtcdErrorKind.LEARNER_NOT_READY
            with running(second, (first,), state="existing") as process:
                endpoint = await probe_etcd(joined)
                assert (endpoint.learner, endpoint.healthy, endpoint.members) == (True, True, ())
                await promote(api, learner.id)
                assert [one.learner for one in await api.members()] == [False, False]
                await api.membership.update(learner.id, (second.peer_url,))
                await move_leader(api, joined, learner.id)
                process.stop()
            await assert_no_quorum(api)


async def promote(api: EtcdApi, learner: MemberId) -> None:
    """Promote as soon as the learner has caught up."""
    async with asyncio.timeout(5):
        while True:
            try:
                await api.membership.promote(learner)
            except EtcdError as error:
                if error.kind is not EtcdErrorKind.LEARNER_NOT_READY:
                    raise
            else:
                return


async def move_leader(api: EtcdApi, joined: EtcdApi, to: MemberId) -> None:
    with pytest.raises(EtcdError) as excinfo:
        await joined.membership.move_leader(to)
    assert excinfo.value.kind is EtcdErrorKind.NOT_LEADER
    await api.membership.move_leader(to)
    assert (await joined.status()).leader_id == to


async def assert_no_quorum(api: EtcdApi) -> None:
    """Status and members answer at once; the health check fails within its deadline, and at once when it is known."""
    async with asyncio.timeout(5):
        endpoint = await probe_etcd(api, deadline_s=0.3)
        assert not endpoint.healthy
        while endpoint.leader_id is not None:
            endpoint = await probe_etcd(api, deadline_s=0.3)
    assert endpoint.health_error == "etcdserver: no leader"
    assert len(endpoint.members) == 2
    assert await api.get(b"any", serializable=True) is None
    with pytest.raises(EtcdError) as write:
        await api.put(b"a", b"b", deadline_s=30)
    with pytest.raises(EtcdError) as alarms:
        await api.alarms(deadline_s=30)
    assert write.value.kind is alarms.value.kind is EtcdErrorKind.NO_LEADER


async def test_a_full_store_raises_an_alarm_that_can_be_disarmed(tmp_path: Path) -> None:
    small = new_member("m1", tmp_path, None, BINARY)
    with running(small, flags=("--quota-backend-bytes=100000",)):
        async with await EtcdApi.open(HOST, small.target, None) as api:
            with pytest.raises(EtcdError) as full:
                await api.put(b"big", b"x" * 200_000)
            assert full.value.kind is EtcdErrorKind.NO_SPACE
            endpoint = await probe_etcd(api)
            assert endpoint.alarms == (EtcdAlarm(endpoint.member_id, "NOSPACE"),) == await api.alarms()
            assert await api.maintenance.disarm(endpoint.alarms[0]) == endpoint.alarms
            assert (await probe_etcd(api)).alarms == ()


async def test_a_member_that_returns_is_found_again(tmp_path: Path) -> None:
    member = new_member("m1", tmp_path, None, BINARY)
    async with await EtcdApi.open(HOST, member.target, None) as api:
        with pytest.raises(EtcdError, match="refused"):
            await api.status()
        process = start(member)
        try:
            async with asyncio.timeout(5):
                while not await answers(api):
                    pass
        finally:
            process.stop()


async def answers(api: EtcdApi) -> bool:
    try:
        await api.check_health()
    except EtcdError:
        return False
    return True
