"""The questions that one script answers on a host, and how each answer becomes a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role
from haconsole.model.names import HostName
from haconsole.model.observed import Cause, Failed, Known, Observed
from haconsole.probes import (
    addresses,
    apiserver,
    balancer_files,
    disks,
    haproxy,
    keepalived,
    lock,
    services,
    static_pods,
)
from haconsole.probes.board import Board
from haconsole.probes.due import Fact
from haconsole.probes.script import ARGV, Answer, FrameReader, Heard, Loose, RoundDone, Section, answers, render
from haconsole.probes.site import Site
from haconsole.transport.base import TransportError

_LOG_LAG_S = 0.2
_SELDOM = 10
_OFTEN = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A section, the fact it tells and its parser; `root` where an ordinary login may not look."""

    fact: Fact
    section: Section
    parse: Callable[[Answer], object]
    root: bool = False


def questions(site: Site, host: Host, due: tuple[Fact, ...]) -> tuple[Question, ...]:
    """The questions behind the facts that are due on `host`."""
    slow = max(1, round(site.pace.slow_round_s / site.pace.round_s))
    paths = ("/", site.layout.etcd.data_dir) if Role.ETCD in host.roles else ("/",)
    pods = static_pods.pods_of(site.layout, host)
    socket = site.layout.haproxy.stats_socket if site.layout.haproxy else ""
    files = balancer_files.paths_of(site.layout)
    known = (
        Question("addresses", addresses.SECTION, addresses.parse),
        Question(
            "services",
            services.section(services.units_of(site.layout, host), pods),
            partial(services.parse, pods=pods),
        ),
        Question("disks", disks.section(paths, every=slow), disks.parse),
        Question(
            "keepalived",
            keepalived.section(
                site.inventory.keepalived, every=max(1, round(site.pace.keepalived_s / site.pace.round_s))
            ),
            partial(keepalived.parse, secret=site.secret),
            root=True,
        ),
        Question("haproxy", haproxy.section(socket), haproxy.parse, root=True),
        Question(
            "balancer_files",
            balancer_files.section(files, every=slow),
            partial(balancer_files.parse, inventory=site.inventory, host=host, paths=files),
            root=True,
        ),
        Question("lock", lock.section(every=_OFTEN), lock.parse, root=True),
    )
    return tuple(question for question in known if question.fact in due)


@dataclass(frozen=True, slots=True)
class Aside:
    """A section that tells no fact of its own, and who learns from it."""

    section: Section
    learn: Callable[[Answer], None]


def asides(board: Board, host: Host, due: tuple[Fact, ...]) -> tuple[Aside, ...]:
    """What other probes need to know of a control plane: what it calls itself, and its API server's etcd servers."""
    if "apiserver" not in due:
        return ()
    name = HostName(host.name)

    def learn_hostname(answer: Answer) -> None:
        if answer.status == 0:
            board.hostnames[answer.output.strip().lower()] = name

    def learn_etcd_servers(answer: Answer) -> None:
        board.etcd_servers[name] = apiserver.etcd_servers(answer)
        told = board.facts(name).apiserver
        if isinstance(told, Known):
            board.put(
                name, "apiserver", replace(told, value=replace(told.value, etcd_servers=board.etcd_servers[name]))
            )

    return (
        Aside(Section("hostname", "uname -n", every=_SELDOM), learn_hostname),
        Aside(apiserver.section(every=_SELDOM), learn_etcd_servers),
    )


class HostScript:
    """Runs the script on one host and puts what it hears on the board.

    As root where sudo allows it, since then one process answers everything; else as the login, and the facts that need
    root fail with sudo's refusal.
    """

    def __init__(
        self, site: Site, board: Board, host: Host, asks: tuple[Question, ...], beside: tuple[Aside, ...]
    ) -> None:
        self._site = site
        self._board = board
        self._host = host
        self._name = HostName(host.name)
        self._asks = {ask.section.name: ask for ask in asks}
        self._beside = {aside.section.name: aside for aside in beside}
        self._changes: list[addresses.AddressChange] = []
        self._moved = asyncio.Event()

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(ask.fact for ask in self._asks.values())

    async def once(self) -> None:
        """Ask everything once; raises TransportError when the host cannot be asked."""
        await self._run(tuple(self._asks.values()), rounds=1, follow="", on_round=lambda: None)
        self._give_up(
            self._board.unanswered(self._name, self.facts), "the host ended the connection before it answered"
        )

    async def follow(self, on_round: Callable[[], None]) -> None:
        """Ask again and again and listen to address changes, until cancelled or the host is lost (TransportError)."""
        async with asyncio.TaskGroup() as group:
            again = group.create_task(self._ask_keepalived_after_moves())
            await self._run(tuple(self._asks.values()), rounds=None, follow=addresses.FOLLOW, on_round=on_round)
            again.cancel()

    async def _run(
        self, asks: tuple[Question, ...], *, rounds: int | None, follow: str, on_round: Callable[[], None]
    ) -> None:
        try:
            await self._stream(asks, rounds, follow, on_round, root=True)
        except TransportError as error:
            if error.cause is not Cause.SUDO_REFUSED:
                raise
            refused = self._site.failed(self._host, "sudo", error)
            self._board.fail(self._name, (ask.fact for ask in asks if ask.root), refused)
            plain = tuple(ask for ask in asks if not ask.root)
            await self._stream(plain, rounds, follow, on_round, root=False)

    async def _stream(
        self, asks: tuple[Question, ...], rounds: int | None, follow: str, on_round: Callable[[], None], *, root: bool
    ) -> None:
        sections = (*(ask.section for ask in asks), *(aside.section for aside in self._beside.values()))
        script = render(sections, rounds=rounds, pause_s=self._site.pace.round_s, follow=follow)
        silence_s, loop = self._site.pace.silence_s, asyncio.get_running_loop()
        reader, silent = FrameReader(), True
        try:
            async with (
                asyncio.timeout(silence_s) as limit,
                self._site.transport(self._host).lines(ARGV, stdin=script, root=root) as lines,
            ):
                async for line in lines:
                    limit.reschedule(loop.time() + silence_s)
                    heard = reader.take(line)
                    if heard is not None:
                        self._take(heard, on_round)
                        if silent:
                            on_round()
                        silent = False
        except TimeoutError:
            raise TransportError(self._name, Cause.TIMED_OUT, f"not a word for {silence_s:g} s") from None

    async def _ask_keepalived_after_moves(self) -> None:
        """An address that moved is mostly keepalived's doing: ask it at once, and not when its turn comes."""
        ask = self._asks.get("keepalived")
        while ask:
            await self._moved.wait()
            await asyncio.sleep(_LOG_LAG_S)
            self._moved.clear()
            script = render((ask.section,))
            with suppress(TransportError):
                done = await self._site.transport(self._host).run(
                    ARGV, stdin=script, root=True, deadline_s=self._site.pace.fact_s
                )
                for answer in answers(done.stdout):
                    self._answered(answer)

    def _take(self, heard: Heard, on_round: Callable[[], None]) -> None:
        match heard:
            case Answer():
                self._answered(heard)
            case Loose():
                self._pushed(heard)
            case RoundDone():
                self._changes.clear()
                on_round()

    def _answered(self, answer: Answer) -> None:
        if answer.section in self._beside:
            self._learn(self._beside[answer.section], answer)
        ask = self._asks.get(answer.section)
        if ask is None:
            return
        fact = self._understood(ask, answer)
        if ask.fact == "addresses" and isinstance(fact, Known):
            fact = self._site.known(reduce(addresses.apply, self._changes, fact.value))
        self._board.put(self._name, ask.fact, fact)

    def _learn(self, aside: Aside, answer: Answer) -> None:
        """An answer of no use costs nothing: the section is asked again."""
        with suppress(Exception):
            aside.learn(answer)

    def _understood(self, ask: Question, answer: Answer) -> Observed[Any]:
        """The answer as a fact. Whatever goes wrong in a parser costs this fact and no other."""
        try:
            return self._site.known(ask.parse(answer))
        except Exception as error:
            return self._site.failed(self._host, ask.fact, error)

    def _pushed(self, line: Loose) -> None:
        """Record an address change at once, and apply it again to a listing that may be older than the change."""
        try:
            change = addresses.parse_change(line.text)
        except Exception:
            return
        if change is None:
            return
        self._changes.append(change)
        self._moved.set()
        before = self._board.facts(self._name).addresses
        if isinstance(before, Known):
            self._board.put(self._name, "addresses", self._site.known(addresses.apply(before.value, change)))

    def _give_up(self, facts: tuple[Fact, ...], why: str) -> None:
        for fact in facts:
            reason = f"{self._host.name}: {fact}: {why}"
            self._board.put(self._name, fact, Failed(reason, self._site.now(), Cause.CONNECTION_LOST))
