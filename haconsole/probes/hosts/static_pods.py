"""Control-plane components that kubelet runs from manifests, in a supervisor's terms.

Read from /proc, which needs neither root nor a tool of the container runtime and costs next to nothing a second
(proc_pid_stat(5)). It has no restart count of a container: `restarts` stays 0.
"""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta

import msgspec

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role, ServiceKind, ServiceState
from haconsole.model.vip import KUBE_VIP
from haconsole.scripts import load_script

_COMM_LENGTH = 15
_NUMBER = re.compile("[0-9]{1,12}")
_CLOCK = re.compile("([0-9]{1,11}) ([1-9][0-9]{0,6})")
_START_TIME = 19
"""The position of starttime among the fields of stat after the command's name."""

_BODY = r"""
for pod in PODS; do
  file=${pod#*=} folder=${pod#*=}
  while folder=${folder%/*} && [ -n "$folder" ] && [ ! -d "$folder" ]; do :; done
  if [ -e "$file" ]; then printf 'manifest %s\n' "${pod%%=*}"
  elif [ ! -x "${folder:-/}" ]; then printf 'hidden %s\n' "${pod%%=*}"; fi
done
printf 'boot %s %s\n' "$(sed -n 's/^btime //p' /proc/stat)" "$(getconf CLK_TCK 2>/dev/null || echo 100)"
for process in PROC/[0-9]*; do
  read -r name <"$process/comm" || continue
  case $name in COMMS) ;; *) continue ;; esac
  ! of_pod "$process" && read -r stat <"$process/stat" && printf 'process %s\n' "$stat"
done 2>/dev/null
true""".strip()


class StaticPod(msgspec.Struct, frozen=True):
    """A component and its manifest."""

    name: str
    manifest: str

    @property
    def comm(self) -> str:
        """The process's name as the kernel keeps it."""
        return self.name[:_COMM_LENGTH]


def pods_of(layout: Layout, host: Host) -> tuple[StaticPod, ...]:
    """The static pods that should run on `host`, by its roles."""
    pods = [StaticPod("etcd", layout.etcd.manifest)] if layout.etcd.manifest and Role.ETCD in host.roles else []
    if layout.kubernetes and Role.CONTROL_PLANE in host.roles:
        pods += [StaticPod(each.name, each.manifest) for each in layout.kubernetes.components if each.manifest]
        if layout.kube_vip:
            pods.append(StaticPod(KUBE_VIP, layout.kube_vip))
    if Role.LOAD_BALANCER in host.roles:
        balancers = (("haproxy", layout.haproxy), ("keepalived", layout.keepalived))
        pods += [StaticPod(name, part.manifest) for name, part in balancers if part and part.manifest]
    return tuple(pods)


def body(pods: tuple[StaticPod, ...], *, proc: str = "/proc") -> str:
    """Shell commands whose output `parse` reads. Processes of ordinary pods are not the host's own and do not count."""
    words = " ".join(shlex.quote(f"{pod.name}={pod.manifest}") for pod in pods)
    loop = _BODY.replace("PODS", words).replace("COMMS", " | ".join(pod.comm for pod in pods)).replace("PROC", proc)
    return f"{load_script('lib/of-pod')}\n{loop}"


def parse(text: str, pods: tuple[StaticPod, ...]) -> tuple[ServiceState, ...]:
    """One state for each pod. One with a manifest and no process is being started by kubelet, or waits to be.

    Without a process, a pod whose folder of manifests the login may not search has no state: it is unknown.
    """
    pairs = [line.partition(" ")[::2] for line in text.splitlines()]
    manifests = {rest for kind, rest in pairs if kind == "manifest"}
    unreadable_names = {rest for kind, rest in pairs if kind == "hidden"}
    clocks = (_CLOCK.fullmatch(rest) for kind, rest in pairs if kind == "boot")
    boot, tick = next(((int(one[1]), int(one[2])) for one in clocks if one), (0, 100))
    read = (_process(rest, boot, tick) for kind, rest in pairs if kind == "process")
    processes = [process for process in read if process]
    oldest = {process.comm: process for process in sorted(processes, key=lambda each: each.since, reverse=True)}
    return tuple(
        _state(pod, oldest.get(pod.comm), manifest=None if pod.name in unreadable_names else pod.name in manifests)
        for pod in pods
        if pod.name not in unreadable_names or pod.comm in oldest
    )


class _Process(msgspec.Struct, frozen=True):
    pid: int
    comm: str
    state: str
    """The letter of proc(5)."""
    since: datetime


def _process(stat: str, boot: int, tick: int) -> _Process | None:
    """A line of /proc/PID/stat; its name is in brackets and may hold blanks. None for a damaged line."""
    head, _, tail = stat.rpartition(")")
    pid, _, comm = head.partition(" (")
    fields = tail.split()
    if len(fields) <= _START_TIME or not _NUMBER.fullmatch(pid) or not _NUMBER.fullmatch(fields[_START_TIME]):
        return None
    start = boot + int(fields[_START_TIME]) // tick
    return _Process(int(pid), comm, fields[0], datetime.fromtimestamp(0, UTC) + timedelta(seconds=start))


def _state(pod: StaticPod, process: _Process | None, *, manifest: bool | None) -> ServiceState:
    """`manifest` None: it is unknown whether there is one."""
    kind = ServiceKind.STATIC_POD
    if process:
        return ServiceState(
            pod.name,
            exists=True,
            active="active",
            sub="running",
            since=process.since,
            pid=process.pid,
            process=process.state,
            enabled=manifest,
            kind=kind,
        )
    if manifest:
        return ServiceState(pod.name, True, "activating", "waiting", enabled=True, kind=kind)
    return ServiceState(pod.name, False, "inactive", "dead", kind=kind)
