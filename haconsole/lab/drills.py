"""Drills on a lab: the faults of a scenario, remembered and undone later."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from haconsole.lab import outages
from haconsole.lab.cgroups import HostGroup, disk_of
from haconsole.lab.errors import LabError
from haconsole.lab.faults import SCENARIOS, FaultKind, LabFault, Scene
from haconsole.lab.lab import Lab
from haconsole.lab.scripted_faults import SCRIPTED
from haconsole.model.hosts import Role

_RECORD = "faults.json"
_PATIENCE_S = 3
_QUOTA = 0.02
_SLOW = 0.04
_WRITES_PER_S = 12
_RUNTIME = "/run/systemd/system.control"
_TIMED_OUT = 124  # what timeout(1) ends with
_ETCD = "/etc/etcd/pki"
_ETCD_FILES = (f"--cacert={_ETCD}/ca.crt", f"--cert={_ETCD}/client.crt", f"--key={_ETCD}/client.key")
_SCHEDULER_LEASE = ("get", "lease", "--namespace=kube-system", "kube-scheduler", "--request-timeout=3s")


def break_lab(lab: Lab, scenario: str, host: str | None = None) -> tuple[LabFault, ...]:
    """Bring a scenario about, on `host` where it is about one; returns what was broken.

    Raises LabError for an unknown scenario or host, or when nobody holds what the scenario is about.
    """
    if scenario not in SCENARIOS:
        raise LabError(f"there is no scenario `{scenario}`", hint=f"choose one of: {', '.join(SCENARIOS)}")
    if host is not None:
        lab.spec.host(host)
    return _cause(lab, SCENARIOS[scenario].faults(look(lab, host)))


def break_at_random(lab: Lab, seed: int) -> tuple[LabFault, ...]:
    """Cause one lasting fault that is drawn by the seed, on hosts that are drawn too; returns what was broken."""
    return _cause(lab, drawn_faults(look(lab), seed))


def drawn_faults(scene: Scene, seed: int) -> tuple[LabFault, ...]:
    """The faults of a scenario that is possible now and lasts until it is healed."""
    dice = random.Random(seed)  # noqa: S311 (practice, no secret)
    names = list(scene.control_planes)
    dice.shuffle(names)
    mixed = replace(scene, control_planes=tuple(names))
    return dice.choice([faults for name in sorted(SCENARIOS) if (faults := _lasting(name, mixed))])


def _lasting(name: str, scene: Scene) -> tuple[LabFault, ...]:
    """The faults of a scenario; none if it is not possible, or ends without `heal`."""
    try:
        faults = SCENARIOS[name].faults(scene)
    except LabError:
        return ()
    return faults if all(fault.lasts for fault in faults) else ()


def _cause(lab: Lab, faults: tuple[LabFault, ...]) -> tuple[LabFault, ...]:
    _remember(lab, tuple(dict.fromkeys((*standing(lab), *(fault for fault in faults if fault.lasts)))))
    for fault in faults:
        _bring_about(lab, fault)
    return faults


def heal(lab: Lab) -> tuple[LabFault, ...]:
    """Take every fault back that a scenario brought about; returns those there were."""
    faults = standing(lab)
    for fault in faults:
        if fault.kind is FaultKind.SLOW:
            HostGroup.here(lab.name, fault.host).limit_host(None)
        elif fault.kind is FaultKind.DISK:
            HostGroup.here(lab.name, fault.host).limit_writes(disk_of(lab.folder), None)
    off = {host.name for host in lab.status() if not host.running}
    for name in sorted(off):
        lab.boot(name)
    if any(fault.kind in (FaultKind.CUT, FaultKind.MUTE) for fault in faults):
        lab.reconnect()
    for fault in faults:
        if fault.kind is FaultKind.STOP:
            _ask(lab, fault.host, "systemctl", "start", "--no-block", fault.unit)
        elif fault.kind is FaultKind.QUOTA:
            HostGroup.here(lab.name, fault.host).end_limit(fault.unit)
            _ask(lab, fault.host, "sh", "-ec", f"rm -rf {_RUNTIME}/{fault.unit}.service.d; systemctl daemon-reload")
        elif fault.kind is FaultKind.SCRIPT:
            _ask(lab, fault.host, "sh", "-ec", SCRIPTED[fault.unit].heals)
    (lab.folder / _RECORD).unlink(missing_ok=True)
    return faults


def standing(lab: Lab) -> tuple[LabFault, ...]:
    """The faults that scenarios brought about and nothing has healed."""
    path: Path = lab.folder / _RECORD
    return msgspec.json.decode(path.read_bytes(), type=tuple[LabFault, ...]) if path.exists() else ()


def look(lab: Lab, host: str | None = None) -> Scene:
    """The state of the lab's cluster, read on its hosts; `host` is the one that a person named."""
    names = tuple(host.name for host in lab.spec.hosts if Role.CONTROL_PLANE in host.roles)
    running = tuple(host.name for host in lab.status() if host.running and host.name in names)
    return Scene(names, host, _vip_owner(lab, running), _etcd_leader(lab, running), _scheduler(lab, running))


def _vip_owner(lab: Lab, names: tuple[str, ...]) -> str | None:
    outputs = {name: lab.exec(name, "ip", "-4", "-brief", "address").stdout for name in names}
    return next((name for name in names if f" {lab.spec.vip}/" in outputs[name]), None)


def _etcd_leader(lab: Lab, names: tuple[str, ...]) -> str | None:
    for name in names:
        endpoint = f"--endpoints=https://{lab.spec.host(name).address}:2379"
        argv = ("etcdctl", *_ETCD_FILES, endpoint, "--command-timeout=2s", "endpoint", "status", "-w", "json")
        result = lab.exec(name, *argv)
        if result.returncode == 0 and leads(json.loads(result.stdout)):
            return name
    return None


def leads(statuses: list[dict[str, Any]]) -> bool:
    """Whether the one member in the output of `etcdctl endpoint status -w json` is the leader."""
    return any(one["Status"].get("leader") == one["Status"]["header"]["member_id"] for one in statuses)


def _scheduler(lab: Lab, names: tuple[str, ...]) -> str | None:
    for name in names:
        argv = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *_SCHEDULER_LEASE)
        result = lab.exec(name, *argv, "--output=jsonpath={.spec.holderIdentity}")
        holder = result.stdout.partition("_")[0]
        if result.returncode == 0 and holder in names:
            return holder
    return None


def _bring_about(lab: Lab, fault: LabFault) -> None:
    match fault.kind:
        case FaultKind.STOP:
            _stop(lab, fault.host, fault.unit)
        case FaultKind.KILL:
            _ask(lab, fault.host, "systemctl", "kill", "--signal=SIGKILL", fault.unit)
        case FaultKind.POWER:
            lab.crash(fault.host)
        case FaultKind.CUT:
            lab.cut(fault.host)
        case FaultKind.MUTE:
            outages.add_mute(lab.spec, (fault.host,))
        case FaultKind.QUOTA:
            _throttle(lab, fault)
        case FaultKind.SLOW:
            HostGroup.here(lab.name, fault.host).limit_host(_SLOW)
        case FaultKind.DISK:
            HostGroup.here(lab.name, fault.host).limit_writes(disk_of(lab.folder), _WRITES_PER_S)
        case FaultKind.SCRIPT:
            _ask(lab, fault.host, "sh", "-ec", SCRIPTED[fault.unit].breaks)


def _throttle(lab: Lab, fault: LabFault) -> None:
    """Let a unit use little of a processor, by a drop-in. With version 1 systemd in the host cannot apply it itself."""
    _ask(lab, fault.host, "systemctl", "set-property", "--runtime", fault.unit, f"CPUQuota={_QUOTA:.0%}")
    HostGroup.here(lab.name, fault.host).limit(fault.unit, _QUOTA)


def _stop(lab: Lab, host: str, unit: str) -> None:
    """Stop a unit, and end it by force when it takes its time: an apiserver waits a minute for its watchers."""
    _ask(lab, host, "systemctl", "stop", "--no-block", unit)
    waited = lab.exec(host, "timeout", str(_PATIENCE_S), "systemctl", "stop", unit)
    if waited.returncode == _TIMED_OUT:
        _ask(lab, host, "systemctl", "kill", "--signal=SIGKILL", unit)
        _ask(lab, host, "systemctl", "stop", unit)


def _ask(lab: Lab, host: str, *argv: str) -> None:
    result = lab.exec(host, *argv, deadline_s=120)
    if result.returncode != 0:
        raise LabError(f"{host}: `{' '.join(argv)}` failed: {result.stderr.strip()}")


def _remember(lab: Lab, faults: tuple[LabFault, ...]) -> None:
    unfinished = lab.folder / f"{_RECORD}.unfinished"
    unfinished.write_bytes(msgspec.json.encode(faults))
    unfinished.rename(lab.folder / _RECORD)
