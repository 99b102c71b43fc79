"""The questions that one script answers on a host, and how each answer becomes a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial, reduce
from typing import Any

import msgspec
from msgspec.structs import replace

from haconsole.inventory.effective import snapshot_folder
from haconsole.inventory.schema import Host
from haconsole.model.hosts import WRITTEN_TO, FactName, Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.model.services import keep_lines
from haconsole.probes.balancers import haproxy, keepalived, owners
from haconsole.probes.context import ClusterContext
from haconsole.probes.fact_store import FactStore
from haconsole.probes.host_pace import HostPace, pause_after
from haconsole.probes.hosts import (
    addresses,
    disks,
    events,
    exposures,
    kubelet,
    lock,
    old_files,
    peer_ports,
    platform,
    services,
    static_pods,
    system,
    unit_setup,
    usage,
)
from haconsole.probes.kubernetes import component_flags
from haconsole.probes.script import (
    ARGV,
    FrameReader,
    PushedLine,
    RoundDone,
    ScriptEvent,
    Section,
    SectionAnswer,
    answers,
    render,
)
from haconsole.probes.side_queries import SELDOM, SideQuery
from haconsole.probes.significance import is_filled, runs_otherwise, unit_files_differ
from haconsole.transport.base import TransportError

_LOG_LAG_S = 0.2
_AGAIN_S = 2.0
_ABOUT_UNITS = ("unit_setup", "events", "system", "keepalived", "apiserver", "component_flags", "exposures")
"""Sections that explain why a unit fails, or depend on how it was started."""
_UNLESS_CHANGED = 20
"""Rounds after which facts are queried again although their host noticed no change."""
_UNITS = 40
"""The same for units, of which the host notices each start and end: what remains is whether they are enabled."""
_HAPROXY = 4


class ScriptQuery(msgspec.Struct, frozen=True):
    """A section, its fact and its parser; `root` if an ordinary login may not read it."""

    fact: FactName
    section: Section
    parse: Callable[[SectionAnswer], object]
    root: bool = False


def script_queries(context: ClusterContext, host: Host, expected: tuple[FactName, ...]) -> tuple[ScriptQuery, ...]:
    """The questions behind the facts that are due on `host`."""
    slow = max(1, round(context.timings.slow_round_s / context.timings.round_s))
    snapshots = snapshot_folder(context.inventory) if Role.ETCD in host.roles else ""
    paths = (*((context.layout.etcd.data_dir, snapshots) if snapshots else ()), *WRITTEN_TO)
    pods = static_pods.pods_of(context.layout, host)
    socket = context.layout.haproxy.stats_socket if context.layout.haproxy else ""
    files = owners.paths_of(context.layout)
    known = (
        ScriptQuery("addresses", addresses.SECTION, addresses.parse),
        ScriptQuery(
            "services",
            services.section(services.units_of(context.layout, host), pods, every=_UNITS),
            partial(services.parse, pods=pods),
        ),
        ScriptQuery("disks", disks.section(paths, every=slow), disks.parse),
        ScriptQuery(
            "system",
            system.section(context.inventory, context.layout, host, every=max(1, slow // 3)),
            partial(system.parse, unit_files=system.unit_files_of(context.layout, host)),
        ),
        ScriptQuery("configs", system.checks_section(context.layout, every=20 * slow), system.parse_checks, root=True),
        ScriptQuery(
            "peer_ports",
            peer_ports.section(peer_ports.ports_of(context.inventory, context.layout, host), every=2 * slow),
            peer_ports.parse,
        ),
        ScriptQuery(
            "unit_setup",
            unit_setup.section(services.units_of(context.layout, host), every=10 * slow),
            unit_setup.parse,
            root=True,
        ),
        ScriptQuery(
            "events",
            events.section(services.units_of(context.layout, host), pods, every=2 * slow),
            events.parse,
            root=True,
        ),
        ScriptQuery("exposures", exposures.section(context.layout, host, every=20 * slow), exposures.parse, root=True),
        ScriptQuery("component_flags", component_flags.section(every=SELDOM), component_flags.parse),
        ScriptQuery("old_files", old_files.section(snapshots, every=10 * slow), old_files.parse, root=True),
        ScriptQuery(
            "keepalived",
            keepalived.section(
                context.inventory.keepalived,
                every=max(1, round(context.timings.keepalived_s / context.timings.round_s)),
            ),
            partial(keepalived.parse, secret=context.secret),
            root=True,
        ),
        ScriptQuery("haproxy", haproxy.section(socket, every=_HAPROXY), haproxy.parse, root=True),
        ScriptQuery(
            "balancer_files",
            owners.section(files, every=20 * slow),
            partial(owners.parse, inventory=context.inventory, host=host, paths=files),
            root=True,
        ),
        ScriptQuery("kubelet", kubelet.section(every=max(1, slow // 3)), kubelet.parse, root=True),
        ScriptQuery("lock", lock.section(every=_UNLESS_CHANGED), lock.parse, root=True),
        ScriptQuery("platform", platform.section(context.inventory, context.layout, host), platform.parse, root=True),
        ScriptQuery(
            "usage",
            usage.section(
                context.layout, host, every=max(1, round(context.timings.readings_s / context.timings.round_s))
            ),
            usage.parse,
        ),
    )
    return tuple(question for question in known if question.fact in expected)


class HostScript:
    """Runs the script on one host and puts its facts into the store.

    As root if sudo allows it, because then one process answers everything; otherwise as the login, and the facts that
    need root fail with sudo's refusal.
    """

    def __init__(
        self,
        context: ClusterContext,
        store: FactStore,
        host: Host,
        asks: tuple[ScriptQuery, ...],
        extra_queries: tuple[SideQuery, ...],
    ) -> None:
        self._context = context
        self._store = store
        self._host = host
        self._name = HostName(host.name)
        self._asks = {ask.section.name: ask for ask in asks}
        self._side_queries = {side_query.section.name: side_query for side_query in extra_queries}
        self.pace = HostPace(context.timings)
        self._changes: list[addresses.AddressChange] = []
        self._vip_moved = asyncio.Event()
        self._unit_changed = asyncio.Event()
        self._disk_filled = asyncio.Event()
        self._root = True
        """False while sudo refuses."""

    @property
    def facts(self) -> tuple[FactName, ...]:
        return tuple(ask.fact for ask in self._asks.values())

    async def once(self) -> None:
        """Query everything once; raises TransportError when the host cannot be queried."""
        await self._run(tuple(self._asks.values()), rounds=1, follow="", on_round=lambda: None)
        self._give_up(
            self._store.missing_facts(self._name, self.facts), "the host ended the connection before it answered"
        )

    async def follow(self, on_round: Callable[[], None]) -> None:
        """Query repeatedly and follow address changes, until cancelled or the host is lost (TransportError)."""
        follow = keepalived.follow_states(addresses.FOLLOW) if "keepalived" in self._asks else addresses.FOLLOW
        async with asyncio.TaskGroup() as group:
            tasks = (
                group.create_task(self._look_after(self._vip_moved, ("keepalived",))),
                group.create_task(self._look_after(self._unit_changed, _ABOUT_UNITS)),
                group.create_task(self._look_after(self._disk_filled, ("old_files",))),
            )
            await self._run(tuple(self._asks.values()), rounds=None, follow=follow, on_round=on_round)
            for task in tasks:
                task.cancel()

    async def _run(
        self, asks: tuple[ScriptQuery, ...], *, rounds: int | None, follow: str, on_round: Callable[[], None]
    ) -> None:
        self._root = True
        try:
            await self._stream(asks, rounds, follow, on_round, root=True)
        except TransportError as error:
            if error.cause is not Cause.SUDO_REFUSED:
                raise
            self._root = False
            failure = self._context.failed(self._host, "sudo", error)
            self._store.fail(self._name, (ask.fact for ask in asks if ask.root), failure)
            plain = tuple(ask for ask in asks if not ask.root)
            await self._stream(plain, rounds, follow, on_round, root=False)

    async def _stream(
        self,
        asks: tuple[ScriptQuery, ...],
        rounds: int | None,
        follow: str,
        on_round: Callable[[], None],
        *,
        root: bool,
    ) -> None:
        sections = (*(ask.section for ask in asks), *(side_query.section for side_query in self._side_queries.values()))
        script = render(sections, rounds=rounds, pause_s=self._context.timings.round_s, follow=follow)
        pace, loop = self.pace, asyncio.get_running_loop()
        reader, silent = FrameReader(), True
        watches = {section.name for section in sections if section.watch}
        pace.begin(loop.time())
        try:
            async with (
                asyncio.timeout(pace.silence_s) as limit,
                self._context.transport(self._host).lines(ARGV, stdin=script, root=root) as lines,
            ):
                async for line in lines:
                    event = reader.take(line)
                    section = event.section if isinstance(event, SectionAnswer) else reader.section
                    if line.strip() and section not in watches:
                        limit.reschedule(loop.time() + pace.silence_s)
                    if event is not None:
                        self._take(event, on_round)
                        if silent:
                            on_round()
                        silent = False
        except TimeoutError:
            silence_s = pace.silence_s
            pace.give_up()
            raise TransportError(self._name, Cause.TIMED_OUT, f"no data for {silence_s:g} s") from None

    async def _look_after(self, event: asyncio.Event, names: tuple[str, ...]) -> None:
        """Query sections at once where their next turn is far: an address that moved is mostly keepalived's doing."""
        loop = asyncio.get_running_loop()
        while set(names) & (self._asks.keys() | self._side_queries.keys()):
            await event.wait()
            await asyncio.sleep(_LOG_LAG_S)
            event.clear()
            began = loop.time()
            if not await self.look_again(names):
                event.set()  # else the facts from before the change would stay for a minute or longer
            await asyncio.sleep(pause_after(loop.time() - began, _AGAIN_S))
            if "keepalived" in names and not event.is_set():
                await self.look_again(("keepalived",))

    async def look_again(self, names: tuple[str, ...], *, keeps_known: bool = False) -> bool:
        """Query the sections of these names now, beside the rounds; False without an answer: their facts stay.

        Root queries where the rounds do: an ordinary login sees less, e.g. no manifests.
        `keeps_known`: an answer that cannot be read replaces no known fact either.
        """
        asks = tuple(ask for ask in self._asks.values() if ask.section.name in names and (self._root or not ask.root))
        sides = tuple(side for side in self._side_queries.values() if side.section.name in names)
        with suppress(TransportError):
            result = await self._context.transport(self._host).run(
                ARGV,
                stdin=render((*(ask.section for ask in asks), *(side.section for side in sides))),
                root=self._root,
                deadline_s=self._context.timings.fact_s,
            )
            for answer in answers(result.stdout):
                self._put_answer(answer, keeps_known=keeps_known)
            return True
        return False

    def _take(self, event: ScriptEvent, on_round: Callable[[], None]) -> None:
        match event:
            case SectionAnswer():
                self._put_answer(event)
            case PushedLine():
                self._put_pushed_line(event)
            case RoundDone():
                self.pace.end_round(asyncio.get_running_loop().time())
                self._changes.clear()
                self._confirm(event.unchanged)
                on_round()

    def _confirm(self, sections: tuple[str, ...]) -> None:
        """The last answers of these sections still hold."""
        for ask in (self._asks[name] for name in sections if name in self._asks):
            fact: Observed[Any] = getattr(self._store.facts(self._name), ask.fact)
            if isinstance(fact, Known):
                self._store.put(self._name, ask.fact, self._context.known(fact.value))

    def _put_answer(self, answer: SectionAnswer, *, keeps_known: bool = False) -> None:
        if answer.section in self._side_queries:
            self._learn(self._side_queries[answer.section], answer)
        ask = self._asks.get(answer.section)
        if ask is None:
            return
        fact = self._parsed_answer(ask, answer)
        if keeps_known and not isinstance(fact, Known):
            return
        if ask.fact == "addresses" and isinstance(fact, Known):
            fact = self._context.known(reduce(addresses.apply, self._changes, fact.value))
            if not isinstance(self._store.facts(self._name).addresses, Known):
                self._vip_moved.set()
        if ask.fact == "services" and isinstance(fact, Known):
            before = self._store.facts(self._name).services
            if isinstance(before, Known):
                fact = replace(fact, value=keep_lines(before.value, fact.value))
        self._notice(ask.fact, fact)
        self._store.put(self._name, ask.fact, fact)

    def _notice(self, name: FactName, fact: Observed[Any]) -> None:
        """Have other facts read again after a change of this one."""
        before = self._store.facts(self._name)
        if name == "services" and isinstance(fact, Known) and runs_otherwise(before.services, fact.value):
            self._unit_changed.set()
        if name == "system" and unit_files_differ(before.system, fact):
            self._unit_changed.set()
        if name == "disks" and is_filled(before.disks, fact):
            self._disk_filled.set()

    def _learn(self, side_query: SideQuery, answer: SectionAnswer) -> None:
        """A useless answer costs nothing: the section is queried again."""
        with suppress(Exception):
            side_query.learn(answer)

    def _parsed_answer(self, ask: ScriptQuery, answer: SectionAnswer) -> Observed[Any]:
        """The answer as a fact. An error in a parser costs only this fact."""
        try:
            return self._context.known(ask.parse(answer))
        except Exception as error:
            return self._context.failed(self._host, ask.fact, error)

    def _put_pushed_line(self, line: PushedLine) -> None:
        """Record an address change at once, and apply it again to a listing that may be older than the change."""
        if keepalived.is_state_change(line.text):
            self._vip_moved.set()
        change = None
        with suppress(Exception):
            change = addresses.parse_change(line.text)
        if change is None:
            return
        self._changes.append(change)
        self._vip_moved.set()
        before = self._store.facts(self._name).addresses
        if isinstance(before, Known):
            self._store.put(self._name, "addresses", self._context.known(addresses.apply(before.value, change)))

    def _give_up(self, facts: tuple[FactName, ...], why: str) -> None:
        for fact in facts:
            reason = f"{self._host.name}: {fact}: {why}"
            self._store.put(self._name, fact, Failed(reason, self._context.now(), Cause.CONNECTION_LOST))
