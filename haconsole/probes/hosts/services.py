"""Components as their supervisor sees them: systemd units, and static pods in the same words (systemctl(1))."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from msgspec.structs import replace

from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.hosts import Role, ServiceState
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.hosts import listeners, static_pods
from haconsole.probes.hosts.severe_lines import severe_lines
from haconsole.probes.hosts.static_pods import StaticPod
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,StateChangeTimestamp,MainPID,NRestarts,UnitFileState,ExecMainCode,ExecMainStatus,"
    "Result,ExecMainStartTimestamp,ExecMainStartTimestampMonotonic"
)
_CALENDAR = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$")
_ENABLED = {"enabled": True, "enabled-runtime": True, "disabled": False, "masked": False, "masked-runtime": False}
"""The plain values of UnitFileState; ``static``, ``indirect``, ``generated`` and the like are neither."""

_ENDINGS = {"1": "exit", "2": "signal", "3": "core dumped, signal"}
"""ExecMainCode, the si_code of waitid(2), as text."""

_PROCESSES, _JOURNAL, _LISTENERS = "=processes=", "=journal=", "=listeners="
_PODS = "=static pods="
_KUBELET, _CONTAINER_RUNTIME = "kubelet.service", "containerd.service"


def units_of(layout: Layout, host: Host) -> tuple[str, ...]:
    """The units that should run on `host`, by its roles: what kubelet needs underneath it included."""
    units = layout.units(host)
    if not runs_kubelet(layout, host):
        return units
    return (*units, _CONTAINER_RUNTIME) if _KUBELET in units else (*units, _KUBELET, _CONTAINER_RUNTIME)


def runs_kubelet(layout: Layout, host: Host) -> bool:
    """Whether `host` should run a kubelet of its own: for its unit, as a worker, or only for etcd's static pod.

    k0s and RKE2 start kubelet themselves: their unit counts instead.
    """
    if layout.kubernetes and layout.kubernetes.kubelet_unit not in (None, _KUBELET):
        return False
    if _KUBELET in layout.units(host) or (Role.ETCD in host.roles and layout.etcd.manifest is not None):
        return True
    return layout.kubernetes is not None and Role.WORKER in host.roles


def section(units: tuple[str, ...], pods: tuple[StaticPod, ...] = (), *, every: int = 1) -> Section:
    """One systemctl for all units, existing or not; then the states of their main processes; then the static pods.

    Without static pods it is repeated when a process changed, and every `every` rounds for what shows nowhere else.
    """
    states = with_arguments(load_script("units"), _PROPERTIES, *units)
    if pods:
        return Section("services", f"{states}\necho '{_PODS}'\n{static_pods.body(pods)}")
    return Section("services", states, every, with_arguments(load_script("units-unchanged"), *units))


def parse(answer: SectionAnswer, pods: tuple[StaticPod, ...] = ()) -> tuple[ServiceState, ...]:
    """One state for each queried unit, in that order, names without ``.service``; then one for each static pod."""
    text, _, pod_lines = require(answer, "systemctl show").partition(_PODS)
    properties, _, rest = text.partition(_PROCESSES)
    rest, _, sockets = rest.partition(f"\n{_LISTENERS}\n")
    lines, *logs = re.split(rf"^{_JOURNAL} ", rest, flags=re.MULTILINE)
    processes = dict(line.split(None, 1) for line in lines.strip().splitlines() if " " in line)
    states = tuple(_state(block, processes) for block in re.split(r"\n\s*\n", properties.strip()) if block)
    log_by_unit = {unit.removesuffix(".service"): log for unit, _, log in (one.partition("\n") for one in logs)}
    states = tuple(replace(state, lines=severe_lines(log_by_unit.get(state.name, ""))) for state in states)
    states = tuple(_with_listeners(state, sockets.splitlines()) for state in states)
    if not states:
        raise ProbeError("systemctl show: wrote nothing", Cause.UNREADABLE)
    return (*states, *static_pods.parse(pod_lines, pods))


def _with_listeners(state: ServiceState, sockets: list[str]) -> ServiceState:
    """The state with the host's listening ports, where its log has a port that is in use."""
    in_use = any("already in use" in line.lower() for line in state.lines)
    return replace(state, listeners=listeners.parse(sockets)) if in_use and sockets else state


def _state(block: str, processes: dict[str, str]) -> ServiceState:
    properties = dict(line.partition("=")[::2] for line in block.splitlines())
    if "Id" not in properties or "ActiveState" not in properties:
        raise ProbeError(f"systemctl show: unexpected output: {block[:200]!r}", Cause.UNREADABLE)
    exists = properties.get("LoadState") != "not-found"
    return ServiceState(
        name=properties["Id"].removesuffix(".service"),
        exists=exists,
        active=properties["ActiveState"],
        sub=properties.get("SubState", ""),
        since=since(properties.get("StateChangeTimestamp", "")),
        pid=_number(properties.get("MainPID", "")) or None,
        restarts=_number(properties.get("NRestarts", "")),
        enabled=_ENABLED.get(properties.get("UnitFileState", "")) if exists else None,
        ending=_ending(properties),
        process=processes.get(properties.get("MainPID", ""), "").strip(),
        result=properties.get("Result", "").removeprefix("success"),
        masked=properties.get("LoadState") == "masked",
        started=since(properties.get("ExecMainStartTimestamp", "")),
    )


def _ending(properties: dict[str, str]) -> str:
    """The result of the last main process; empty while one runs."""
    how = _ENDINGS.get(properties.get("ExecMainCode", ""))
    return f"{how} {properties.get('ExecMainStatus', '?')}" if how and properties.get("MainPID", "0") == "0" else ""


def since(text: str) -> datetime | None:
    """A systemd time: ``Sat 2026-11-21 11:20:20 UTC`` (read with TZ=UTC) or ``@1795260020``; None when never."""
    if text.startswith("@") and text[1:].isdecimal():
        return datetime.fromtimestamp(int(text[1:]), UTC)
    match = _CALENDAR.search(text)
    return datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00") if match else None


def _number(text: str) -> int:
    """A number as systemctl writes it; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
