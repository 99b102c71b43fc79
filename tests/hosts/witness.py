"""The test's own look inside the hosts of a lab, every second, to judge findings by."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from haconsole.lab.cgroups import HostGroup
from haconsole.lab.lab import Lab
from haconsole.model.findings import Finding
from tests.hosts.load import read

UNITS = ("etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
LOOK = (
    f"systemctl show -p Id,ActiveState,NRestarts,MainPID {' '.join(UNITS)}; echo; echo ==;"
    " ip -4 -o address show; echo ==; cat /proc/loadavg; test ! -e /etc/keepalived/down || echo down"
)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
EVERY_S = 1.0
BEFORE_S, AFTER_S = 15.0, 3.0
"""The looks from so long before a finding was opened until so long after it are compared with it."""
DENSE_S = 4.0
"""The longest time between two looks that can contradict a finding."""
PATIENCE_S = 2.0
LATE_S = 1.0
"""An answer that takes longer may be late for the console as well."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A host at one moment: its units, addresses and load, and whether its etcd and API server answered in time."""

    host: str
    at: float
    units: dict[str, str]
    pids: dict[str, str]
    has_vip: bool
    load: float
    down_file: bool
    etcd: bool
    api: bool
    periods: int
    throttled: int
    """Periods of its control group so far, and those at whose end it had used its share of the processor."""


@dataclass(frozen=True, slots=True)
class ClusterSight:
    """The endpoint and the leases at one moment; a lease by name, with its holder and the seconds it is overdue."""

    at: float
    endpoint: bool
    leases: dict[str, tuple[str, float]]


@dataclass
class Witness:
    """Looks at the hosts of a lab, each in a thread, while the block of `watching` lasts."""

    lab: Lab
    folder: Path
    sights: list[Sight] = field(default_factory=list)
    cluster: list[ClusterSight] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[Witness]:
        etcd = self._tls("/etc/etcd/pki", "client", "etcd")
        admin = self._tls("/etc/kubernetes/pki", "admin", "kubernetes")
        over = threading.Event()
        looks: list[Callable[[], None]] = [lambda: self._look_at_cluster(admin)]
        looks += [lambda name=host.name: self._look_at(name, etcd, admin) for host in self.lab.spec.hosts]  # type: ignore[misc]
        with ThreadPoolExecutor(len(looks)) as threads:
            work = [threads.submit(_repeat, look, over) for look in looks]
            try:
                yield self
            finally:
                over.set()
        for each in work:
            each.result()

    def contradicts(self, finding: Finding, opened: float) -> bool:
        """Whether the hosts never showed the state that a finding reports, though they were looked at all the time.

        A code without a judge is contradicted by every look.
        """
        judge = JUDGES.get(finding.code)
        return judge is None or (self.dense(finding, opened) and not judge(self, finding, opened))

    def dense(self, finding: Finding, opened: float) -> bool:
        """Each host that the finding may be about was looked at every few seconds."""
        named = _host(self, finding)
        for host in (named,) if named else tuple(host.name for host in self.lab.spec.hosts):
            times = [one.at for one in self.of(host, opened)]
            edges = [opened - BEFORE_S, *times, opened + AFTER_S]
            if max(after - before for before, after in itertools.pairwise(edges)) > DENSE_S:
                return False
        return True

    def of(self, host: str, opened: float) -> list[Sight]:
        return [one for one in self.sights if one.host == host and opened - BEFORE_S <= one.at <= opened + AFTER_S]

    def all(self, opened: float) -> list[Sight]:
        return [one for one in self.sights if opened - BEFORE_S <= one.at <= opened + AFTER_S]

    def clusters(self, opened: float) -> list[ClusterSight]:
        return [one for one in self.cluster if opened - BEFORE_S <= one.at <= opened + AFTER_S]

    def _tls(self, pki: str, name: str, kind: str) -> ssl.SSLContext:
        host = self.lab.spec.hosts[0].name
        paths = [self.folder / f"{kind}-{file}" for file in ("ca.crt", f"{name}.crt", f"{name}.key")]
        for path, file in zip(paths, ("ca.crt", f"{name}.crt", f"{name}.key"), strict=True):
            path.touch(0o600)
            path.write_bytes(read(self.lab, host, f"{pki}/{file}"))
        context = ssl.create_default_context(cafile=str(paths[0]))
        context.load_cert_chain(paths[1], paths[2])
        return context

    def _look_at(self, host: str, etcd: ssl.SSLContext, admin: ssl.SSLContext) -> None:
        address = self.lab.spec.host(host).address
        result = self.lab.exec(host, "sh", "-c", LOOK)
        output, links, rest = result.stdout.split("==\n")
        blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in output.split("\n\n")]
        units = {block["Id"].removesuffix(".service"): block for block in blocks if "Id" in block}
        self.sights.append(
            Sight(
                host,
                time.time(),
                {name: block["ActiveState"] for name, block in units.items()},
                {name: block["MainPID"] for name, block in units.items()},
                f" {self.lab.spec.vip}/" in links,
                float(rest.split()[0]),
                "down" in rest,
                answers(address, 2379, "/health", etcd)[0],
                answers(address, 6443, "/readyz", admin)[0],
                *periods(self.lab.name, host),
            )
        )

    def _look_at_cluster(self, admin: ssl.SSLContext) -> None:
        reached, body = answers(self.lab.spec.vip, 8443, LEASES, admin)
        self.cluster.append(ClusterSight(time.time(), reached, overdue(body) if reached else {}))


def periods(lab: str, host: str) -> tuple[int, int]:
    """`nr_periods` and `nr_throttled` of the host's control group (cgroups(7)); zeros where it has no limit."""
    results = [folder / "cpu.stat" for folder in HostGroup.here(lab, host).folders if (folder / "cpu.stat").exists()]
    for path in results:
        stat = dict(line.split() for line in path.read_text().splitlines())
        if "nr_periods" in stat:
            return int(stat["nr_periods"]), int(stat["nr_throttled"])
    return 0, 0


def _repeat(look: Callable[[], None], over: threading.Event) -> None:
    while not over.wait(EVERY_S):
        look()


def answers(address: str, port: int, path: str, tls: ssl.SSLContext) -> tuple[bool, bytes]:
    """Whether a request got a good answer in time over a connection of its own, and the answer."""
    connection = http.client.HTTPSConnection(address, port, timeout=PATIENCE_S, context=tls)
    began = time.monotonic()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status == 200 and time.monotonic() - began < LATE_S, body
    except (OSError, http.client.HTTPException):
        return False, b""
    finally:
        connection.close()


def overdue(body: bytes) -> dict[str, tuple[str, float]]:
    leases: dict[str, tuple[str, float]] = {}
    for item in json.loads(body)["items"]:
        spec: dict[str, Any] = item["spec"]
        age = (datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"])).total_seconds()
        leases[item["metadata"]["name"]] = spec.get("holderIdentity", ""), age - spec["leaseDurationSeconds"]
    return leases


Judge = Callable[[Witness, Finding, float], bool]
"""Whether the hosts themselves showed the state that a finding reports, around the time it was opened."""


def _host(witness: Witness, finding: Finding) -> str | None:
    """The host that a finding is about, by its subject."""
    names = [host.name for host in witness.lab.spec.hosts]
    return next((name for name in names if name in finding.subject.replace("@", " ").replace("/", " ").split()), None)


def _sights(witness: Witness, finding: Finding, opened: float) -> list[Sight]:
    host = _host(witness, finding)
    return witness.of(host, opened) if host else witness.all(opened)


def etcd_failed(witness: Witness, finding: Finding, opened: float) -> bool:
    return any(not one.etcd for one in _sights(witness, finding, opened))


def api_failed(witness: Witness, finding: Finding, opened: float) -> bool:
    return any(not one.api for one in _sights(witness, finding, opened))


def unit_ended(witness: Witness, finding: Finding, opened: float) -> bool:
    """A unit that the finding names was not active, or its process was replaced."""
    text = f"{finding.subject} {finding.summary}"
    sights = _sights(witness, finding, opened)
    named = [unit for unit in UNITS if unit in text]
    hosts = {one.host for one in sights}
    return any(
        any(one.units.get(unit) != "active" for one in sights)
        or any(len({one.pids.get(unit) for one in sights if one.host == host}) > 1 for host in hosts)
        for unit in named
    )


def lease_lapsed(witness: Witness, finding: Finding, opened: float) -> bool:
    results = [one.leases for one in witness.clusters(opened)]
    late = any(over > 0 for leases in results for name, (_, over) in leases.items() if name in finding.subject)
    return late or any(not one.api for one in witness.all(opened)) or unit_ended(witness, finding, opened)


def not_one_owner(witness: Witness, finding: Finding, opened: float) -> bool:
    """In some second not exactly one host had the VIP, or another one than before."""
    seconds: dict[int, set[str]] = {}
    for one in witness.all(opened):
        seconds.setdefault(int(one.at), set()).update({one.host} if one.has_vip else ())
    owners = list(seconds.values())
    return any(len(each) != 1 for each in owners) or len({frozenset(each) for each in owners}) > 1


def endpoint_failed(witness: Witness, finding: Finding, opened: float) -> bool:
    return any(not one.endpoint for one in witness.clusters(opened)) or not_one_owner(witness, finding, opened)


def held_down(witness: Witness, finding: Finding, opened: float) -> bool:
    return any(one.down_file for one in _sights(witness, finding, opened))


def busy(witness: Witness, finding: Finding, opened: float) -> bool:
    return any(one.load > 2.0 for one in _sights(witness, finding, opened))


def not_ready(witness: Witness, finding: Finding, opened: float) -> bool:
    """The API server was not ready; its check of etcd fails also while some member completes no read.

    Between two looks a member may complete no read for a second or two; etcd's own log has that.
    """
    of_etcd = "etcd" in finding.summary
    without_etcd = of_etcd and any(not one.etcd for one in witness.all(opened))
    return without_etcd or api_failed(witness, finding, opened) or (of_etcd and etcd_was_late(witness, opened))


def etcd_was_late(witness: Witness, opened: float) -> bool:
    """Within some seconds a member logged a late read, a late heartbeat or an election."""
    words = "ReadIndex response|failed to send out heartbeat|lost leader|elected leader|request timed out"
    span = f"--since @{opened - BEFORE_S:.0f} --until @{opened + AFTER_S:.0f}"
    command = f"journalctl -q --no-pager -u etcd {span} | grep -Eq '{words}'"
    return any(witness.lab.exec(host.name, "sh", "-c", command).returncode == 0 for host in witness.lab.spec.hosts)


def starved(witness: Witness, finding: Finding, opened: float) -> bool:
    """The host had no processor time left in half of the periods."""
    sights = _sights(witness, finding, opened)
    ran = sights[-1].periods - sights[0].periods if sights else 0
    return ran > 0 and (sights[-1].throttled - sights[0].throttled) / ran >= 0.5


def api_of_named_failed(witness: Witness, finding: Finding, opened: float) -> bool:
    """The API server of a host that the finding names anywhere did not answer in time."""
    text = " ".join((finding.subject, finding.summary, *finding.evidence))
    hosts = [host.name for host in witness.lab.spec.hosts if host.name in text]
    return any(not one.api for host in hosts for one in witness.of(host, opened))


def journal_has(*words: str) -> Judge:
    """The journal of some host's units has a line with one of the words, of the last minutes."""

    def judge(witness: Witness, finding: Finding, opened: float) -> bool:
        host = _host(witness, finding)
        hosts = [host] if host else [one.name for one in witness.lab.spec.hosts]
        grep = "|".join(words)
        script = f"journalctl -q --no-pager --since @{opened - 1800:.0f} | grep -Eqi '{grep}'"
        return any(witness.lab.exec(one, "sh", "-c", script).returncode == 0 for one in hosts)

    return judge


def written_after_start(witness: Witness, finding: Finding, opened: float) -> bool:
    """A configuration was written after the unit's process was started or reloaded, or its process was replaced."""
    host = _host(witness, finding)
    script = (
        "for pair in etcd:/etc/etcd/etcd.env haproxy:/etc/haproxy/haproxy.cfg"
        " keepalived:/etc/keepalived/keepalived.conf;"
        " do unit=${pair%%:*}; pid=$(systemctl show -p MainPID --value $unit);"
        ' [ "$pid" = 0 ] || [ "${pair#*:}" -nt "/proc/$pid" ] && exit 0; done; exit 1'
    )
    late = host is not None and witness.lab.exec(host, "sh", "-c", script).returncode == 0
    return late or unit_ended(witness, finding, opened)


JUDGES: dict[str, Judge] = {
    "apiserver.down": api_failed,
    "apiserver.not-ready": not_ready,
    "component.down": unit_ended,
    "endpoint.unreachable": endpoint_failed,
    "etcd.leader-flapping": journal_has("elected leader"),
    "etcd.member-down": etcd_failed,
    "etcd.member-unhealthy": etcd_failed,
    "etcd.no-fault-tolerance": etcd_failed,
    "etcd.quorum-lost": etcd_failed,
    "etcd.slow-disk": journal_has("slow fdatasync", "took too long", "expected less than"),
    "haproxy.backend-down": api_of_named_failed,
    "haproxy.down": unit_ended,
    "host.slow": lambda *look: busy(*look) or starved(*look),
    "host.unreachable": starved,
    "keepalived.down": unit_ended,
    "lease.churn": journal_has("successfully acquired lease"),
    "lease.expired": lease_lapsed,
    "lease.no-standby": unit_ended,
    "probe.failed": starved,
    "service.crash-loop": unit_ended,
    "service.stale-config": written_after_start,
    "vip.fault": journal_has("Entering FAULT STATE"),
    "vip.flapping": journal_has("Entering MASTER STATE"),
    "vip.forced-down": held_down,
    "vip.not-master": not_one_owner,
    "vip.not-serving": endpoint_failed,
    "vip.owner-unhealthy": endpoint_failed,
    "vip.split": not_one_owner,
    "vip.unowned": not_one_owner,
}
"""The judge of a finding, by its code. A code without a judge has no place in a watched lab: it is false."""
