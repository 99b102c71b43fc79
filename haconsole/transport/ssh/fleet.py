"""The hosts of an inventory, and the jump hosts before them."""

from __future__ import annotations

import asyncio

from haconsole.inventory.effective import Jump, OutsideHost, ssh_for
from haconsole.inventory.schema import Inventory
from haconsole.model.names import HostName
from haconsole.transport.answers import Answers
from haconsole.transport.ssh.client_config import ClientConfig
from haconsole.transport.ssh.host import SshHost
from haconsole.transport.ssh.keyring import Keyring
from haconsole.transport.ssh.link import Link
from haconsole.transport.ssh.login import Login
from haconsole.transport.ssh.questions import Questions
from haconsole.transport.ssh.route import Destination, destination_of, outside_destination
from haconsole.transport.ssh.runner import Runner
from haconsole.transport.ssh.sockets import SocketFolder
from haconsole.transport.ssh.tuning import Tuning


class SshFleet:
    """Fleet over SSH: one connection per host, opened at its first use; a person is prompted through `answers`.

    Must be created and used within one event loop.
    """

    def __init__(self, inventory: Inventory, answers: Answers, *, tuning: Tuning | None = None) -> None:
        self._inventory = inventory
        self._tuning = tuning or Tuning()
        self._questions = Questions(answers)
        self._config = ClientConfig()
        self._login = Login(Keyring(self._questions.passphrase), self._questions, self._tuning)
        self._sockets = SocketFolder()
        self._hosts: dict[HostName, SshHost] = {}
        self._links: dict[Destination, Link] = {}

    def host(self, name: HostName) -> SshHost:
        """One host of the inventory; the same object every time. Raises KeyError for a name it does not have."""
        if name not in self._hosts:
            self._hosts[name] = self._make(name)
        return self._hosts[name]

    def begin(self) -> None:
        """Connect every host of the inventory now, beside whatever else happens."""
        for host in self._inventory.hosts:
            self.host(HostName(host.name)).begin()

    def forget_refusals(self) -> None:
        """Prompt again for answers that a person has refused: host keys, passphrases, passwords."""
        self._questions.forget_refusals()
        self._config.forget()
        for host in self._hosts.values():
            host.forget_refusals()

    async def close(self) -> None:
        """Withdraw questions, end every connection (jump hosts last) and remove the sockets."""
        await self._questions.close()
        await asyncio.gather(*(host.give_up_early_attempt() for host in self._hosts.values()))
        inner = [link for link in self._links.values() if link.through is not None]
        outer = [link for link in self._links.values() if link.through is None]
        for links in (inner, outer):
            await asyncio.gather(*(link.close() for link in links))
        self._sockets.close()

    def _make(self, name: HostName) -> SshHost:
        host = self._inventory.find(name)
        if host is None:
            raise KeyError(name)
        ssh = ssh_for(self._inventory, host)
        link = self._link(destination_of(self._inventory, host))
        runner = Runner(link, ssh.sudo, self._questions, self._tuning)
        return SshHost(link, runner, self._sockets, ssh.connect_timeout_s, self._tuning.start_s)

    def _link(self, destination: Destination) -> Link:
        if destination not in self._links:
            self._links[destination] = Link(destination, self._config, self._login, self._next_hop)
        return self._links[destination]

    def _next_hop(self, hops: tuple[Jump, ...], behind: Destination) -> Link:
        """The link of the last of `hops`, which has the others before it."""
        match hops[-1]:
            case OutsideHost() as outside:
                return self._link(outside_destination(outside, hops[:-1], behind))
            case name:
                host = self._inventory.find(name)
                assert host is not None
                return self._link(destination_of(self._inventory, host))
