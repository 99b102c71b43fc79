"""Rules about what a host must provide: swap off for kubelet, and free ports for each component."""

from __future__ import annotations

import re
from collections.abc import Iterator

from haconsole.configs.layout import is_kubeadm
from haconsole.diagnosis.candidate import Candidate
from haconsole.diagnosis.remedies import advice, call
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.system import Listener

_PORTS = (
    re.compile(r":(?P<port>\d{1,5}): bind: address already in use", re.IGNORECASE),
    re.compile(r"address already in use\)? *(for )?\[\S*:(?P<port>\d{1,5})\]", re.IGNORECASE),
)
"""The port in the messages of Go programs and of haproxy."""


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about every host."""
    for facts in snapshot.hosts:
        yield from _swap(facts, inventory)
        yield from _taken_ports(facts)


def _swap(facts: HostFacts, inventory: Inventory) -> Iterator[Candidate]:
    """kubelet refuses to start while any swap is on, unless its configuration allows that."""
    kubelet = value_of(facts.kubelet)
    if kubelet is None or not kubelet.swaps or not kubelet.fail_swap_on:
        return
    unit = facts.service("kubelet")
    effect = "kubelet runs now, but its next start will fail" if unit and unit.running else "kubelet does not start"
    prepares = (call("prepare", "turn swap off, now and after a reboot", hosts=facts.host),)
    yield Candidate(
        Finding(
            "host.swap-on",
            Severity.WARNING,
            facts.host,
            f"swap is on on {facts.host}: {effect}",
            "kubelet refuses to start on a host with swap, because failSwapOn of its configuration is true.",
            tuple(f"swap on {name}" for name in kubelet.swaps),
            (
                *(prepares if is_kubeadm(inventory) else ()),
                advice(f"on {facts.host}: swapoff -a, and remove the swap lines from /etc/fstab"),
                advice(
                    f"or, where pods may use swap: failSwapOn: false in {kubelet.config_file or 'its configuration'}"
                ),
            ),
        )
    )


def _taken_ports(facts: HostFacts) -> Iterator[Candidate]:
    """Components that do not run because another process of their host listens on their port.

    The log is that of the last attempt that ended: of a component that runs now, the listener is its own process.
    """
    kubelet = value_of(facts.kubelet)
    for pod in kubelet.static_pods if kubelet else ():
        if kubelet and pod.log and not pod.running:
            yield from _taken_port(facts, pod.name, pod.log, kubelet.listeners)
    for unit in value_of(facts.services) or ():
        if unit.listeners and not unit.running:
            yield from _taken_port(facts, unit.name, unit.lines, unit.listeners)


def _taken_port(
    facts: HostFacts, name: str, log: tuple[str, ...], listeners: tuple[Listener, ...]
) -> Iterator[Candidate]:
    port = next((int(match["port"]) for line in log for each in _PORTS if (match := each.search(line))), None)
    holder = next((one for one in listeners if one.port == port), None)
    unit = facts.service(name)
    if holder is None or (unit is not None and unit.pid is not None and holder.pid == unit.pid):
        return
    query = f"systemctl status {holder.pid}" if holder.pid else f"ss -ltnp 'sport = :{port}'"
    yield Candidate(
        Finding(
            "host.port-taken",
            Severity.WARNING,
            f"{name}@{facts.host}",
            f"{name} on {facts.host} cannot listen on port {port}, which {holder} has",
            "Only one process can listen on a port of an address. The component exits at every start until the "
            "port is free.",
            (f"{holder} listens on {holder.address}:{port}", *(f"{name} logs: {line}" for line in log)),
            (
                advice(
                    f"on {facts.host}: find the owner of the process ({query}), then stop it or give it another port; "
                    f"{name} starts again automatically"
                ),
            ),
        ),
        (("static-pod.stray-manifest", f"{name}@{facts.host}"),),
    )
