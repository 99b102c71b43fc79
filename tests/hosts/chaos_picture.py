"""The state of a lab at the end of a run, and the run's record, without values that differ between any two runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from haconsole.actions.operations import MoveLeader, Nothing
from haconsole.actions.step import Step
from haconsole.execution.log.run_record import StepState, read_run
from haconsole.lab.lab import Lab
from haconsole.lab.making import hosts_of, side_by_side
from haconsole.model.names import StepId
from tests.hosts.chaos_cases import BEGUN, DOWN, ETCDCTL, Case, Fault, Kind
from tests.hosts.chaos_kubeadm import LOOK as KUBEADM_LOOK

Picture = dict[str, Any]

TEXTS = "/etc/etcd/etcd.env /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf /etc/systemd/system/etcd.service"
PLACES = (
    "/etc/etcd /etc/haproxy /etc/keepalived /etc/kubernetes /etc/systemd/system /var/lib/etcd /var/lib/etcd-snapshots"
)
STARTS = 'echo "starts $(journalctl -b -u etcd -o cat --no-pager | grep -c "^Started etcd")"'
LOOK = f"""
find {PLACES} -type f -printf 'file %p %m %u\\n' 2>/dev/null
for unit in etcd haproxy keepalived; do
  echo "unit $unit $(systemctl show -p ActiveState,UnitFileState --value $unit | tr '\\n' ' ')"
done
sha256sum {TEXTS} 2>/dev/null | sed 's/^/text /'
for name in $(ls /run/haconsole 2>/dev/null); do echo "left $name"; done
[ ! -e {DOWN} ] || echo "down"
nft list tables 2>/dev/null | sed 's/^/drops /'
[ ! -e /var/lib/haconsole/lock/holder ] || [ ! -s /var/lib/haconsole/lock/holder ] || echo "locked"
echo "authority $(sha256sum </etc/etcd/pki/ca.crt 2>/dev/null)"
{STARTS}
if systemctl -q is-active etcd; then
  echo "members $({ETCDCTL} member list -w json)"
  echo "kept $({ETCDCTL} get kept --print-value-only) $({ETCDCTL} get more --print-value-only)"
fi
if systemctl -q is-active haproxy; then
  echo 'show servers state' | socat - UNIX:/run/haproxy/admin.sock | grep ' cp[0-9] ' | awk '{{print "server", $4, $7}}'
fi
"""
DIFFERENT = {
    *("observed_at", "connect_ms", "clock_offset_ms", "id", "cluster_id", "leader", "db_size_bytes", "db_in_use_bytes"),
    *("raft_term", "raft_index", "sessions", "last_change_s", "not_after", "days_left", "check"),
    *("since", "restarts", "lease_age_s", "pending"),
    *("reason", "title", "why", "evidence", "detail", "summary", "next", "what", "error"),
}
"""Keys of the status whose values are times, sizes, names of this very run, or texts with them."""
AUTHORITIES = "authorities"
"""Fingerprints of CAs in the status: each bootstrap and each rotation makes other ones, so they are only counted."""
OF_LEASES = {"holder", "host", "acquired_at", "renewed_at", "transitions"}
"""Keys of leases in the status: an election on a busy machine moves a lease, and each holder renews its own."""

MOST_TOLD = 600
SNAPSHOTS = "/var/lib/etcd-snapshots/"
"""Each is kept on some member that does not lead."""


COMPLETED = re.compile(r"node \S+ has joined")
"""The output of a join that found its node; kubeadm did not run."""
UPLOAD = ".upload"
NO_END_STATE = ("lock", "figures", "health")
OVERLOADED = "host.slow"
"""The load of this machine is no effect of a run; the findings, which decide the health, are compared without it."""

RESTARTS = ("static-pod.crash-loop", "static-pod.not-started", "service.crash-loop")


def picture(lab: Lab, case: Case, status: Picture) -> Picture:
    """The end state: what `LOOK` prints on every host, and the program's status of all of them."""
    output = looks(lab, case.hosts, KUBEADM_LOOK if case.kind is Kind.KUBEADM else LOOK)
    picture: Picture = {host: sorted({_plain(line) for line in output[host] if _counts(line)}) for host in case.hosts}
    picture["members"] = sorted(
        {_members(line) for host in case.hosts for line in output[host] if _is(line, "members")}
    )
    contents = (_plain(line) for host in case.hosts for line in output[host] if SNAPSHOTS in line)
    picture["snapshots"] = sorted(contents)
    picture["authorities"] = len({line for host in case.hosts for line in output[host] if _is(line, "authority")})
    picture["starts"] = {host: starts_of(output[host]) for host in case.hosts}
    picture["locks"] = [host for host in case.hosts if "locked" in output[host]]
    return {**picture, "status": end_status(status)}


def shows_a_restart(reading: Picture) -> bool:
    """Whether a finding counts restarts of the last minutes, which the run under test has caused."""
    return any(finding["code"] in RESTARTS for finding in reading["status"]["findings"])


def end_status(status: Picture) -> Picture:
    """The status without values that differ between any two runs, or that only the machine's load decides."""
    rest = {key: value for key, value in without_times(status).items() if key not in NO_END_STATE}
    leases = [{key: value for key, value in one.items() if key not in OF_LEASES} for one in rest.get("leases") or ()]
    findings = [finding for finding in rest.get("findings", ()) if finding["code"] != OVERLOADED]
    return {**rest, "leases": leases, "findings": findings}


def looks(lab: Lab, hosts: tuple[str, ...], script: str) -> dict[str, list[str]]:
    """The output of a script on each host, by lines."""
    targets = [host for host in hosts_of(lab.spec, lab.folder) if host.name in hosts]
    message = side_by_side(
        lambda host: lab.exec(host.name, "sh", "-c", script, deadline_s=60).stdout.splitlines(), targets
    )
    return dict(zip((host.name for host in targets), message, strict=True))


def starts_of(lines: list[str]) -> int:
    """The number of times etcd came up since the host was booted.

    A start that failed, as a joiner's does when a member is out of reach, is not counted: the step failed in the record
    and is retried.
    """
    return sum(int(line.split()[1]) for line in lines if _is(line, "starts"))


def without_times(output: Any) -> Any:
    """A status without what `DIFFERENT` names, and without times in names."""
    if isinstance(output, dict):
        return {
            key: len(value) if key == AUTHORITIES and isinstance(value, list) else without_times(value)
            for key, value in output.items()
            if key not in DIFFERENT
        }
    if isinstance(output, list):
        return [without_times(value) for value in output]
    return _plain(output) if isinstance(output, str) else output


def differs(expected: Picture, picture: Picture, fault: Fault, resumes: int = 1) -> tuple[str, ...]:
    """Differences from the state after the undisturbed run; etcd has started more often where a host was power-cut.

    A host that was out of reach when the lock was released keeps the lock's record, which blocks nothing. A console
    that was killed between its run's end and the release keeps the lock, which becomes stale.
    """
    out_of_reach = fault in (Fault.CUT, Fault.REBOOT) and len(picture["locks"]) <= 1
    rest = out_of_reach or (fault in (Fault.KILL, Fault.INSIDE) and resumes == 0)
    skipped = {*(("starts",) if fault is Fault.REBOOT else ()), *(("locks",) if rest else ())}
    names = [name for name in expected if name not in skipped]
    return tuple(
        f"{name}: {_difference(expected[name], picture[name])}" for name in names if expected[name] != picture[name]
    )


def record_is_true(lab: Lab, hosts: tuple[str, ...], path: Path) -> Iterator[str]:
    """Errors in a complete run's record: each step must have succeeded in the end, and each effect happened once.

    A command that was begun on a host must have its end in the record, and must have been begun again only under a new
    number. Leadership changes in elections too, so it may be transferred again. A join that is not verified is
    performed again, and then only completed. The upload of a join ends with its step.
    """
    record = read_run(path)
    for one in record.steps:
        if one.state not in (StepState.VERIFIED, StepState.ALREADY):
            yield f"{one.step} is {one.state} in the record"
    counter: Counter[str] = Counter()
    attempts: dict[str, int] = {}
    ended: set[str] = set()
    for line in path.read_text().splitlines():
        output = as_object(line)
        if output.get("kind") == "intent":
            attempts[output["step"]] = output["attempt"]
        elif output.get("kind") == "performed":
            ended |= {f"{output['step']}{part}.{attempts[output['step']]}" for part in ("", UPLOAD)}
            counter[output["step"]] += output.get("outcome") == "done" and not COMPLETED.match(output["output"])
    exempt = repeatable(record.plan.steps)
    yield from (f"{step} was done {times} times" for step, times in counter.items() if times > 1 and step not in exempt)
    for command, times in started_commands(lab, hosts, path.stem).items():
        if times > 1:
            yield f"the command {command} was begun {times} times"
        if command not in ended:
            yield f"the command {command} was begun, and its end is not in the record"


def repeatable(steps: Iterable[Step]) -> set[StepId]:
    """Steps that may be done more than once: those that only look, and those whose effect an election can revert."""
    return {step.id for step in steps if isinstance(step.operation, MoveLeader | Nothing)}


def started_commands(lab: Lab, hosts: tuple[str, ...], run: str) -> Counter[str]:
    """The commands of a run that hosts began, as ``STEP.ATTEMPT``, and how often each."""
    counter: Counter[str] = Counter()
    for host in hosts:
        path = lab.host(host).root / BEGUN.lstrip("/")
        for line in path.read_text().splitlines() if path.exists() else ():
            *_, of, command, _ = line.split("/")
            if of == run:
                counter[command] += 1
    return counter


def as_object(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is(line: str, kind: str) -> bool:
    return line.startswith(f"{kind} ")


def _counts(line: str) -> bool:
    """Whether a line is compared: not for backups, etcd's own files, and lines that are compared separately."""
    if any(_is(line, kind) for kind in ("members", "authority", "starts")) or SNAPSHOTS in line or line == "locked":
        return False
    return not (_is(line, "file") and ("/." in line or "/member" in line))


def _members(line: str) -> str:
    output = as_object(line.partition(" ")[2])
    rows = (f"{one.get('name')} {one['peerURLs']} {one.get('isLearner', False)}" for one in output.get("members", ()))
    return "; ".join(sorted(rows))


def _plain(line: str) -> str:
    """Without times and run names."""
    return re.sub(r"\d{8}T\d{6}Z(-[a-z-]+-[0-9a-f]{4})?", "TIME", line)


def _difference(before: Any, now: Any) -> str:
    """The differences with their places, abridged."""
    output = "; ".join(_differences(before, now))
    return output if len(output) <= MOST_TOLD else f"{output[:MOST_TOLD]}..."


def _differences(before: Any, now: Any, at: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _differences(before.get(key), now.get(key), f"{at} {key}".strip())
    elif isinstance(before, list) and isinstance(now, list) and at and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _differences(one, other, f"{at} {number}")
    elif isinstance(before, list) and isinstance(now, list):
        lacks, has = [one for one in before if one not in now], [one for one in now if one not in before]
        if before != now:
            yield f"{at}: lacks {lacks}, has {has}"
    elif before != now:
        yield f"{at}: {before!r} is {now!r}"
