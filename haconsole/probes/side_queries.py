"""The settings of a host that other probes need: its own name, and its API server's etcd servers and flags."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from haconsole.inventory.schema import Host
from haconsole.model.hosts import FactName
from haconsole.model.names import HostName
from haconsole.model.observed import Known
from haconsole.probes.fact_store import FactStore
from haconsole.probes.kubernetes import apiserver
from haconsole.probes.script import Section, SectionAnswer

SELDOM = 60
"""Rounds between two queries."""


class SideQuery(msgspec.Struct, frozen=True):
    """A section without a fact of its own, and its consumer."""

    section: Section
    learn: Callable[[SectionAnswer], None]


def side_queries(store: FactStore, host: Host, expected: tuple[FactName, ...]) -> tuple[SideQuery, ...]:
    """The settings of a control plane for other probes: its own name, and its API server's etcd servers."""
    if "apiserver" not in expected:
        return ()
    name = HostName(host.name)

    def learn_hostname(answer: SectionAnswer) -> None:
        if answer.status == 0:
            store.hostnames[answer.output.strip().lower()] = name

    def learn_etcd_servers(answer: SectionAnswer) -> None:
        store.etcd_servers[name] = apiserver.etcd_servers(answer)
        store.apiserver_flags[name] = apiserver.judged_flags(answer)
        apiserver_facts = store.facts(name).apiserver
        if isinstance(apiserver_facts, Known):
            store.put(
                name,
                "apiserver",
                replace(
                    apiserver_facts,
                    value=replace(
                        apiserver_facts.value,
                        etcd_servers=store.etcd_servers[name],
                        flags=store.apiserver_flags[name],
                    ),
                ),
            )

    return (
        SideQuery(Section("hostname", "uname -n", every=SELDOM), learn_hostname),
        SideQuery(apiserver.section(every=SELDOM), learn_etcd_servers),
    )
