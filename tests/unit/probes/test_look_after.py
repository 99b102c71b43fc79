"""A second query after a unit has changed, as the next turn of its sections is far."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes import host_script
from haconsole.probes.balancers.keepalived import follow_states
from haconsole.probes.context import ClusterContext, ProbeTimings
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_script import HostScript, ScriptQuery
from haconsole.probes.hosts import system
from haconsole.probes.hosts.addresses import FOLLOW
from haconsole.probes.script import ARGV, MARK, PushedLine, Section, answers, render, with_arguments
from haconsole.scripts import load_script
from haconsole.transport.base import TransportError
from tests.fakes.cluster import INVENTORY, NOW
from tests.fakes.local_host import LocalFleet, LocalHost
from tests.fakes.script_host import Place
from tests.fakes.transport import FakeFleet


async def test_a_script_without_rounds_is_given_up_although_its_watch_goes_on() -> None:
    """The answers of a watch are written by another process than the rounds."""
    fleet, host = FakeFleet(), INVENTORY.hosts[0]
    target = fleet.host(HostName(host.name))

    @asynccontextmanager
    async def lines(*_: object, **__: object) -> AsyncIterator[AsyncIterator[str]]:
        yield watch()

    async def watch() -> AsyncIterator[str]:
        while True:
            for line in ("", f"{MARK} < kept", "text", f"{MARK} ! 0", "", f"{MARK} >"):
                yield line
            await asyncio.sleep(0.01)

    target.lines = lines  # type: ignore[method-assign]
    context = ClusterContext(INVENTORY, layout(INVENTORY), fleet, lambda: NOW, b"", ProbeTimings(silence_s=0.2))
    query = ScriptQuery("system", Section("kept", "true", watch="true"), lambda answer: answer)
    script = HostScript(context, FactStore(INVENTORY, lambda: NOW), host, (query,), ())
    async with asyncio.timeout(10):
        with pytest.raises(ExceptionGroup) as excinfo:
            await script.follow(lambda: None)
    assert "no data for" in str(excinfo.value.exceptions[0])


async def test_a_query_without_an_answer_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_script, "_LOG_LAG_S", 0.0)
    monkeypatch.setattr(host_script, "_AGAIN_S", 0.0)
    fleet, host = FakeFleet(), INVENTORY.hosts[0]
    target = fleet.host(HostName(host.name))
    target.when(*ARGV, say=TransportError(target.host, Cause.TIMED_OUT, "no answer within 6 s"))
    target.when(*ARGV, say="")
    context = ClusterContext(INVENTORY, layout(INVENTORY), fleet, lambda: NOW, b"", ProbeTimings())
    query = ScriptQuery("system", Section("system", "true"), lambda answer: answer)
    script = HostScript(context, FactStore(INVENTORY, lambda: NOW), host, (query,), ())
    event = asyncio.Event()
    event.set()
    task = asyncio.create_task(script._look_after(event, ("system",)))
    async with asyncio.timeout(5):
        while len(target.calls) < 2:
            await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    task.cancel()
    assert (len(target.calls), event.is_set()) == (2, False)


async def test_a_query_beside_the_rounds_sees_what_the_rounds_see() -> None:
    """Only root may search kubeadm's folder of manifests; where sudo refuses, nothing that needs root is queried."""
    fleet, host = FakeFleet(), INVENTORY.hosts[0]
    target = fleet.host(HostName(host.name))
    target.when(*ARGV, say="")
    context = ClusterContext(INVENTORY, layout(INVENTORY), fleet, lambda: NOW, b"", ProbeTimings())
    queries = (
        ScriptQuery("services", Section("services", "echo units"), lambda answer: answer),
        ScriptQuery("lock", Section("lock", "echo the-lock"), lambda answer: answer, root=True),
    )
    script = HostScript(context, FactStore(INVENTORY, lambda: NOW), host, queries, ())
    await script.look_again(("services",))
    script._root = False
    await script.look_again(("services", "lock"))
    as_root, as_login = target.calls
    assert (as_root.root, as_login.root) == (True, False)
    assert b"echo units" in as_login.stdin
    assert b"the-lock" not in as_login.stdin


async def test_root_queries_again_after_sudo_refused_for_a_while(
    inventory: Inventory, fleet: LocalFleet, hosts: dict[str, LocalHost]
) -> None:
    context = ClusterContext(inventory, layout(inventory), fleet, lambda: NOW, b"", ProbeTimings())
    query = ScriptQuery("system", Section("system", "true"), lambda answer: answer)
    host = inventory.find("lb1")
    assert host is not None
    script = HostScript(context, FactStore(inventory, lambda: NOW), host, (query,), ())
    used_root = []
    for hosts["lb1"].sudo in (False, True):
        await script.once()
        hosts["lb1"].sudo = False
        used_root.append(not await script.look_again(("system",)))
    assert used_root == [False, True]


@pytest.mark.parametrize(
    ("line", "looks"),
    [
        ("(VI_51) Entering FAULT STATE", True),
        ("(VI_51) Entering BACKUP STATE (init)", True),
        ("VRRP_Script(check) failed (exited with status 1)", False),
        ("Deleted 2: eth0    inet 10.99.0.100/24 scope global eth0", True),
    ],
)
async def test_a_new_state_of_keepalived_without_a_change_of_addresses_is_read_at_once(line: str, looks: bool) -> None:
    context = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), lambda: NOW, b"", ProbeTimings())
    script = HostScript(context, FactStore(INVENTORY, lambda: NOW), INVENTORY.hosts[0], (), ())
    script._put_pushed_line(PushedLine(line))
    assert script._vip_moved.is_set() == looks


async def test_the_files_of_units_are_read_again_once_one_of_them_was_written(tmp_path: Path) -> None:
    unit, config = tmp_path / "etcd.service", tmp_path / "haproxy.cfg"
    unit.touch()
    config.touch()
    files = (str(unit), f"{unit}.d")
    context = ClusterContext(INVENTORY, layout(INVENTORY), FakeFleet(), lambda: NOW, b"", ProbeTimings())
    section = Section("system", with_arguments(load_script("system"), "--", str(config), *files))
    query = ScriptQuery("system", section, partial(system.parse, unit_files=files))
    script = HostScript(context, FactStore(INVENTORY, lambda: NOW), INVENTORY.hosts[0], (query,), ())

    def looks() -> bool:
        script._unit_changed.clear()
        result = subprocess.run(ARGV, input=render((section,)), capture_output=True, check=True)
        for answer in answers(result.stdout.decode()):
            script._put_answer(answer)
        return script._unit_changed.is_set()

    assert (looks(), looks()) == (False, False)
    os.utime(config, (1, 1))
    assert not looks()
    os.utime(unit, (1, 1))
    assert (looks(), looks()) == (True, False)
    Path(files[1]).mkdir()
    assert looks()


def test_the_journal_is_followed_beside_the_addresses_and_both_end_together(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.program("ip", "echo address; exec sleep 600")
    place.program("journalctl", "echo '(VI_51) Entering FAULT STATE'; exec sleep 600")
    script = render((Section("a", "true"),), rounds=None, pause_s=0.05, follow=follow_states(FOLLOW))
    path = {"PATH": f"{place.folder}/bin:{os.environ['PATH']}"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(ARGV, env=path, start_new_session=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write(script)
        process.stdin.flush()
        lines: set[str] = set()
        while not {"address", "(VI_51) Entering FAULT STATE"} <= lines:
            lines.add(process.stdout.readline().decode().strip())
        process.terminate()
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=10)
        rest, end = b"?", time.monotonic() + 5
        while rest and time.monotonic() < end:
            rest = subprocess.run(("pgrep", "-s", str(process.pid), "sleep"), capture_output=True, check=False).stdout
    assert rest == b""
