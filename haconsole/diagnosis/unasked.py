"""Rules about queries that got no answer: one finding per host, with what is unknown because of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from haconsole.configs.software import NETWORK_TOOLS
from haconsole.diagnosis.candidate import (
    BETWEEN_HOSTS,
    NOSPACE,
    NOT_BOOTSTRAPPED,
    QUORUM_LOST,
    Candidate,
    anywhere,
    on,
)
from haconsole.diagnosis.causes import CERTIFICATE_CODES
from haconsole.diagnosis.hosts import HERE
from haconsole.diagnosis.remedies import advice, call
from haconsole.model.component import does_not_run, is_slow, late_facts
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts
from haconsole.model.observed import Cause, Failed, Known, value_of
from haconsole.model.snapshot import ClusterSnapshot

LABELS = {
    "clock_offset_ms": "its clock",
    "addresses": "its addresses",
    "services": "its services",
    "disks": "its disks",
    "system": "its system load and network tables",
    "configs": "its configuration files",
    "peer_ports": "its connections to other hosts",
    "unit_setup": "the files of systemd units",
    "events": "its journal",
    "old_files": "its old files",
    "exposures": "its open ports",
    "component_flags": "its components' flags",
    "platform": "its packages and settings",
    "balancer_files": "the balancer's files",
    "apiserver": "the API server",
    "certificates": "its certificates",
    "lock": "the cluster's lock",
}
WORDS = {
    Cause.SUDO_REFUSED: "sudo refuses the SSH user",
    Cause.NO_SESSION: "sshd opens no further session",
    Cause.TIMED_OUT: "no answer in time",
    Cause.AUTH_FAILED: "a certificate is refused",
    Cause.NOT_INSTALLED: "a program is missing",
    Cause.NOT_CONFIGURED: "a file or a setting is missing",
    Cause.NOT_RUNNING: "a socket is closed",
    Cause.CONNECTION_LOST: "the connection was lost",
    Cause.UNREADABLE: "an answer cannot be read",
}
FIXES = {
    Cause.SUDO_REFUSED: "allow the SSH user NOPASSWD in sudoers; or set ssh.sudo: password, and enter the password",
    Cause.NO_SESSION: "raise MaxSessions in sshd_config on {host} (10 is the default), and reload sshd",
    Cause.TIMED_OUT: "look at the load and the disk of {host}: uptime, and cat /proc/pressure/*",
    Cause.AUTH_FAILED: (
        "compare the client certificate and the CA on {host} with the server's; reissue an expired certificate"
    ),
    Cause.NOT_INSTALLED: "install the missing program on {host}",
    Cause.NOT_CONFIGURED: "correct the path in the inventory, or put the missing file back on {host}",
    Cause.NOT_RUNNING: "reload the service on {host}, so that it opens its socket again",
    Cause.CONNECTION_LOST: "read sshd's journal on {host}: journalctl -u ssh",
    Cause.UNREADABLE: "run the command by hand on {host} as the SSH user, and look for unexpected output",
}
NOT_FOUND = re.compile(r"\b([\w.-]+): (?:command )?not found")
"""The message of a shell about a missing program: ``sh: 1: ip: not found``, ``bash: line 1: ip: command not found``."""
NOT_BY_OVERLOAD = (
    *(Cause.SUDO_REFUSED, Cause.NO_SESSION, Cause.AUTH_FAILED),
    *(Cause.NOT_INSTALLED, Cause.NOT_CONFIGURED, Cause.NOT_RUNNING),
)
"""Causes that a slow host does not bring about."""
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "refined-jiffies")
"""Clock sources that Linux falls back to where the processor's counter is not stable."""
ORDER = tuple(WORDS)
"""The cause that a finding is named after, where a host has more than one."""


class Trouble(msgspec.Struct, frozen=True):
    """A question that could not be queried. `instead` names the host from which it was queried, if one could."""

    fact: str
    failed: Failed[object]
    instead: str = ""

    @property
    def label(self) -> str:
        return LABELS.get(self.fact, self.fact)


def rules(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """One candidate for each host that was reached and could not be queried about everything."""
    yield from _locks(snapshot)
    reached = tuple(facts for facts in snapshot.hosts if isinstance(facts.reach, Known))
    slow = tuple(facts for facts in reached if is_slow(facts))
    if len(slow) > 1 and len(slow) == len(reached):
        yield _all_slow(slow)
    for facts in reached:
        troubles = tuple(_troubles(facts))
        if facts in slow:
            yield _slow(facts, troubles)
            troubles = tuple(one for one in troubles if one.failed.cause in NOT_BY_OVERLOAD)
            if troubles:
                yield _failed(facts, troubles)
        elif troubles:
            yield _failed(facts, troubles)
        elif isinstance(facts.reach, Known) and facts.reach.value.sessions_refused:
            yield _few_sessions(facts, facts.reach.value.sessions_refused)


def _locks(snapshot: ClusterSnapshot) -> Iterator[Candidate]:
    """The leader locks could not be read although an API server is ready: no rule can judge them."""
    failed = snapshot.leases
    ready = any(isinstance(facts.apiserver, Known) and facts.apiserver.value.ready for facts in snapshot.hosts)
    if not isinstance(failed, Failed) or not ready:
        return
    yield Candidate(
        Finding(
            "probe.failed",
            Severity.WARNING,
            "leases",
            f"the leader locks could not be read: {WORDS.get(failed.cause, 'the question failed')}",
            "An API server is ready, so the locks may be held. It is unknown who holds them.",
            (failed.reason,),
            (advice("query again; then run kubectl get leases -n kube-system on a control plane"),),
        ),
        (NOT_BOOTSTRAPPED, QUORUM_LOST, NOSPACE, *anywhere(*_DELAYS_LOCKS, *CERTIFICATE_CODES, *BETWEEN_HOSTS)),
    )


_DELAYS_LOCKS = (
    *("host.unreachable", "host.slow", "apiserver.down", "apiserver.not-ready", "service.hung"),
    *("probe.failed", "etcd.member-down", "etcd.member-unhealthy", "vip.not-serving", "endpoint.unreachable"),
)
"""Causes for which the locks cannot be read, the likeliest first."""


def _all_slow(slow: tuple[HostFacts, ...]) -> Candidate:
    return Candidate(
        Finding(
            "host.slow",
            Severity.WARNING,
            HERE,
            f"all {len(slow)} hosts answered late at the same time",
            f"Either {HERE} or the network to the hosts is slow, or all hosts are slow, for instance because "
            "of one busy hypervisor.",
            tuple(line for facts in slow for line in map(facts.says, _load(facts))),
            (advice(f"check the load of {HERE} first (uptime), then the load of the hosts in the evidence"),),
        ),
        (NOT_BOOTSTRAPPED,),
        overload=True,
    )


def _troubles(facts: HostFacts) -> Iterator[Trouble]:
    for name, fact in facts.facts():
        if name == "reach" or does_not_run(facts, name):
            continue
        if isinstance(fact, Known) and fact.direct is not None:
            yield Trouble(name, fact.direct, fact.via)
        elif isinstance(fact, Failed) and not _was_asked(name, fact):
            yield Trouble(name, fact.direct or fact)


def _was_asked(name: str, fact: Failed[object]) -> bool:
    """The component itself gave no answer, or none by design; rules about it report so."""
    no_stats_socket = name == "haproxy" and fact.cause is Cause.NOT_CONFIGURED
    return no_stats_socket or (bool(fact.asked_from) and fact.cause is not Cause.AUTH_FAILED)


def _failed(facts: HostFacts, troubles: tuple[Trouble, ...]) -> Candidate:
    cause = min((trouble.failed.cause for trouble in troubles), key=_rank)
    labels = ", ".join(trouble.label for trouble in troubles)
    return Candidate(
        Finding(
            "probe.failed",
            Severity.WARNING,
            facts.host,
            f"{facts.host} could not be queried about {labels}: {WORDS.get(cause, 'the question failed')}",
            "Only the queries failed: the components themselves may work.",
            _evidence(facts, troubles),
            _fixes(facts, troubles, cause),
        ),
        (NOT_BOOTSTRAPPED, *_certificates(facts, troubles)),
    )


def _few_sessions(facts: HostFacts, refused: int) -> Candidate:
    return Candidate(
        Finding(
            "probe.failed",
            Severity.WARNING,
            facts.host,
            f"{facts.host} answers queries only one at a time: {WORDS[Cause.NO_SESSION]}",
            "All queries were answered in the end. A live view keeps a session open, so it would fail on this host.",
            (f"sshd on {facts.host} refused a session {refused} times",),
            (
                call("repair", "allow 10 sessions on one connection", setting="sessions", host=facts.host),
                advice(FIXES[Cause.NO_SESSION].format(host=facts.host)),
            ),
        )
    )


def _certificates(facts: HostFacts, troubles: tuple[Trouble, ...]) -> tuple[tuple[str, str], ...]:
    refused = all(trouble.failed.cause is Cause.AUTH_FAILED for trouble in troubles)
    return on(facts.host, *CERTIFICATE_CODES, "cert.san-missing") if refused else ()


def _rank(cause: Cause) -> int:
    return ORDER.index(cause) if cause in ORDER else len(ORDER)


def _evidence(facts: HostFacts, troubles: tuple[Trouble, ...]) -> tuple[str, ...]:
    reasons = dict.fromkeys(facts.says(trouble.failed.reason) for trouble in troubles)
    instead = (
        f"{one.label} on {facts.host} was queried from {one.instead} and answers" for one in troubles if one.instead
    )
    return (*reasons, *instead)


def _fixes(facts: HostFacts, troubles: tuple[Trouble, ...], first: Cause) -> tuple[Remedy, ...]:
    causes = dict.fromkeys((first, *(trouble.failed.cause for trouble in troubles)))
    fallback = "query again; then run the command by hand on {host}"
    by_hand = tuple(advice(FIXES.get(cause, fallback).format(host=facts.host)) for cause in causes)
    refused = any(one.fact == "apiserver" and one.failed.cause is Cause.AUTH_FAILED for one in troubles)
    rewrite = call("bootstrap", "write the kubeconfigs again as the inventory describes them", only="kubernetes")
    return (*((rewrite,) if refused and first is Cause.AUTH_FAILED else ()), *_installs(facts, troubles), *by_hand)


def _installs(facts: HostFacts, troubles: tuple[Trouble, ...]) -> Iterator[Remedy]:
    """The installation of missing programs that `prepare` brings to every host."""
    names = {name for one in troubles for name in NOT_FOUND.findall(one.failed.reason)}
    if names & set(NETWORK_TOOLS.programs):
        yield call("prepare", f"install the package of {', '.join(sorted(names))} again", hosts=facts.host)


def _load(facts: HostFacts) -> Iterator[str]:
    system = value_of(facts.system)
    if system is None:
        return
    if system.clocksource in SLOW_CLOCKS:
        yield f"its clock source is {system.clocksource}: each reading of the time costs microseconds, not nanoseconds"
    if system.load is not None:
        yield f"load {system.load:g} on {system.cpus} processors"
    for kind, share in (
        ("processor", system.pressure.cpu),
        ("disk", system.pressure.io),
        ("memory", system.pressure.memory),
    ):
        if share:
            yield f"tasks waited for the {kind} in {share:g} % of the last 10 s"


def _slow(facts: HostFacts, troubles: tuple[Trouble, ...]) -> Candidate:
    late = tuple(Trouble(name, failed) for name, failed in late_facts(facts).items())
    labels = ", ".join(one.label for one in late)
    return Candidate(
        Finding(
            "host.slow",
            Severity.WARNING,
            facts.host,
            f"{facts.host} is slow: the queries of {labels} were all late",
            "Unrelated queries to one host were late at the same time, so the host lacks processor time or "
            "its disk does not keep up. Its components may still work, but slowly.",
            (*_load(facts), *_evidence(facts, troubles or late)),
            (
                advice(
                    f"on {facts.host}: find the process that takes the processor or the disk (top, iotop); "
                    "check for a CPU limit (nr_throttled in cpu.stat) and for steal time"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED, ("host.slow", HERE)),
        overload=True,
    )
