"""Steps that restart, stop and start static pods: kubelet follows the manifests in its folder.

A pod restarts in this order: its manifest leaves kubelet's folder, its last process ends, the manifest returns, its new
process runs. If the command is interrupted, the host returns the manifest, at its next boot at the latest. A resumed
run waits for a command that still runs, and otherwise repeats it; a manifest that is still out is then returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from haconsole.actions.build import script, step_id
from haconsole.actions.checks import Check, CommandSucceeds
from haconsole.actions.operations import RunCommand, UndoByCommand
from haconsole.actions.step import Step
from haconsole.configs.layout import Layout
from haconsole.inventory.schema import Host
from haconsole.model.kubelet import StaticPodState
from haconsole.model.names import HostName
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import load_script

RESTART = load_script("static-pod-restart")

STOP = load_script("static-pod-stop")

START = load_script("static-pod-start")

RUNS = load_script("check-static-pod")

IS_STOPPED = load_script("check-static-pods-stopped")

KEPT_IN = "/var/lib/haconsole/static-pods"
"""Folder of manifests that are out of kubelet's folder; it survives a reboot."""
STOP_S = 120
"""An API server has 30 s to end; a slow host needs longer."""
START_S = 330
"""kubelet waits 10 s before it starts a container again, and after restarts in quick succession up to 5 minutes."""
LOCK_S = 100
"""For another command on the host that still changes manifests."""
VERIFY_S = 90.0
_COMM_LENGTH = 15
_SHELLS = ("sh", "bash", "ash", "dash")


class PodOnHost(msgspec.Struct, frozen=True):
    """A static pod on a host."""

    name: str
    """Name in its manifest, without the node's name."""
    program: str
    """Its main process as the kernel names it: the first 15 characters."""
    manifest: str

    @property
    def words(self) -> tuple[str, str, str]:
        return self.name, self.program, self.manifest


def static_pod(snapshot: ClusterSnapshot, layout: Layout, host: Host, name: str) -> PodOnHost | None:
    """The component's pod by kubelet's own folder and the manifests in it, else by the layout.

    None where the component is no static pod of this cluster.
    """
    manifest = _manifest(layout, name)
    if manifest is None:
        return None
    facts = snapshot.host(HostName(host.name))
    kubelet = value_of(facts.kubelet) if facts else None
    pod = kubelet.pod(name) if kubelet else None
    if kubelet is None or pod is None:
        folder = kubelet.static_pod_folder if kubelet else manifest.rpartition("/")[0]
        return PodOnHost(name, name[:_COMM_LENGTH], f"{folder}/{manifest.rpartition('/')[2]}")
    return PodOnHost(name, _program(pod), f"{kubelet.static_pod_folder}/{pod.file}")


def restart_pods_step(
    what: str,
    host: str,
    pods: tuple[PodOnHost, ...],
    *,
    title: str,
    why: str,
    phase: str,
    newer_than: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    old_processes: Mapping[str, int] = MappingProxyType({}),
    also: tuple[Check, ...] = (),
    precondition: tuple[Check, ...] = (),
    vips_pause: bool = False,
) -> Step:
    """Restart `pods` together.

    Each of them, by name, must run in a process that was started after its files of `newer_than` were written, and that
    is not its process of `old_processes`. Undoing this restarts them after the files of the phase are restored, if
    `newer_than` names any.
    """
    restart = RunCommand(_argv(RESTART, "restart", pods), timeout_s=STOP_S + START_S + LOCK_S, vips_pause=vips_pause)
    files = tuple(file for each in newer_than.values() for file in each)
    undone = UndoByCommand(restart, (pods_run(pods, newer_than, changed=True), *also), after_files=True)
    put_back = UndoByCommand(_start(pods), (pods_run(pods), *also))
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=restart,
        precondition=precondition,
        verification=(pods_run(pods, newer_than, old_processes), *also),
        undo=undone if files else put_back,
        verify_within_s=VERIFY_S,
        phase=phase,
    )


def stop_pods_step(
    what: str, host: str, pods: tuple[PodOnHost, ...], *, title: str, why: str, phase: str, vips_pause: bool = False
) -> Step:
    """Stop `pods` until their manifests are returned, also across a reboot."""
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=_stop(pods, vips_pause=vips_pause),
        verification=(pods_stopped(pods),),
        undo=UndoByCommand(_start(pods), (pods_run(pods),)),
        phase=phase,
    )


def start_pods_step(
    what: str,
    host: str,
    pods: tuple[PodOnHost, ...],
    *,
    title: str,
    why: str,
    phase: str,
    also: tuple[Check, ...] = (),
    newer_than: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Step:
    """Start `pods` that a `stop_pods_step` stopped."""
    return Step(
        id=step_id(what, host),
        title=title,
        why=why,
        host=HostName(host),
        operation=_start(pods),
        verification=(pods_run(pods, newer_than), *also),
        undo=UndoByCommand(_stop(pods), (pods_stopped(pods),)),
        verify_within_s=VERIFY_S,
        phase=phase,
    )


def pods_run(
    pods: tuple[PodOnHost, ...],
    newer_than: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    old_processes: Mapping[str, int] = MappingProxyType({}),
    *,
    changed: bool = False,
) -> CommandSucceeds:
    """Each of `pods` runs with its manifest in place.

    With `changed` its process is also newer than any change of its files, a rename included.
    """
    words = tuple(
        word
        for pod in pods
        for files in (newer_than.get(pod.name, ()),)
        for word in (*pod.words, str(old_processes.get(pod.name, 0)), str(len(files)), *files)
    )
    names = ", ".join(pod.name for pod in pods)
    some = any(newer_than.values()) or any(old_processes.values())
    means = f"{names} {'runs' if len(pods) == 1 else 'run'}{' in a new process' if some else ''}"
    problem = f"{names}: {'not restarted' if some else 'not running'}"
    return script(RUNS, "runs", KEPT_IN, "changed" if changed else "written", *words, means=means, problem=problem)


def pods_stopped(pods: tuple[PodOnHost, ...]) -> CommandSucceeds:
    """No process of `pods` is left, and kubelet starts none."""
    names = ", ".join(pod.name for pod in pods)
    words = tuple(word for pod in pods for word in pod.words)
    return script(IS_STOPPED, "stopped", *words, means=f"{names} stopped", problem=f"{names}: not stopped")


def restarts_pods(step: Step) -> bool:
    return isinstance(step.operation, RunCommand) and RESTART in step.operation.argv


def _stop(pods: tuple[PodOnHost, ...], *, vips_pause: bool = False) -> RunCommand:
    return RunCommand(_argv(STOP, "stop", pods), timeout_s=STOP_S + LOCK_S, vips_pause=vips_pause)


def _start(pods: tuple[PodOnHost, ...]) -> RunCommand:
    return RunCommand(_argv(START, "start", pods), timeout_s=START_S + LOCK_S)


def _argv(text: str, name: str, pods: tuple[PodOnHost, ...]) -> tuple[str, ...]:
    words = (word for pod in pods for word in pod.words)
    return ("sh", "-ec", text, name, KEPT_IN, str(STOP_S), str(START_S), *words)


def _manifest(layout: Layout, name: str) -> str | None:
    if name == "etcd":
        return layout.etcd.manifest
    components = layout.kubernetes.components if layout.kubernetes else ()
    return next((one.manifest for one in components if one.name == name), None)


def _program(pod: StaticPodState) -> str:
    """The program of the first container; the pod's name where that is a shell or not named."""
    program = pod.command[0].rpartition("/")[2] if pod.command else ""
    unnamed = not program or program in _SHELLS or program.startswith("-")
    return (pod.name if unnamed else program)[:_COMM_LENGTH]
