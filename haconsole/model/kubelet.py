"""kubelet on one host: its settings, the static pods it runs, the container runtime beneath it, and its last errors."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haconsole.model.system import Listener


class StaticPodState(msgspec.Struct, frozen=True):
    """A file that kubelet reads as the manifest of a static pod, and what runs of it."""

    file: str
    """Name of the file in the static-pod folder."""
    namespace: str = ""
    name: str = ""
    """Name in the manifest, without the node's name that kubelet appends."""
    containers: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    """Command and arguments of the first container."""
    problem: str = ""
    """Why kubelet cannot use the file as a pod; empty where it can."""
    running: bool = False
    started_at: datetime | None = None
    """Start of the current process, by the host's clock; None while none runs."""
    attempt: int = 0
    """Number of restarts as kubelet counts them for its log files."""
    ended_at: datetime | None = None
    """Last output of the newest attempt that ended since the host started; None where none did."""
    restart_interval_s: float | None = None
    """Seconds between the starts of the two newest attempts; None where the log of the earlier one is gone."""
    ran_s: float | None = None
    """Seconds from the first to the last output of the newest attempt that ended; None where its log is empty."""
    exit_status: int | None = None
    """Of the newest attempt that ended; None where containerd does not keep it, as after the pod was removed."""
    placed_at: datetime | None = None
    """Last change of the manifest's file, including its move into the folder."""
    log: tuple[str, ...] = ()
    """Last errors of the newest attempt that ended, else its last lines; empty where it runs steadily."""

    def flag(self, name: str) -> str | None:
        """Value of ``--name=value``, ``true`` for a flag without value, None where the manifest has no such flag."""
        for word in self.command:
            flag, equals, value = word.lstrip("-").partition("=")
            if word.startswith("-") and flag == name:
                return value if equals else "true"
        return None


class JournalError(msgspec.Struct, frozen=True):
    """An error line of kubelet's journal, without klog's header; `at` is its newest occurrence."""

    text: str
    at: datetime


class ContainerdConfig(msgspec.Struct, frozen=True):
    """The settings of /etc/containerd/config.toml that kubelet depends on."""

    disabled_plugins: tuple[str, ...] = ()
    systemd_cgroup: bool | None = None
    """None where the file does not set it, or includes other files."""
    sandbox_image: str = ""

    @property
    def cri_disabled(self) -> bool:
        return any(plugin == "cri" or plugin.endswith(".grpc.v1.cri") for plugin in self.disabled_plugins)


class KubeletFacts(msgspec.Struct, frozen=True):
    """kubelet's settings, by its process or, while it does not run, by its unit."""

    static_pod_folder: str
    config_file: str = ""
    flags: tuple[str, ...] = ()
    cgroup_driver: str = ""
    runtime_endpoint: str = ""
    static_pods: tuple[StaticPodState, ...] = ()
    """In the order of their files; kubelet reads every file whose name does not begin with a dot."""
    containerd: ContainerdConfig | None = None
    """None where containerd has no configuration file."""
    errors: tuple[JournalError, ...] = ()
    """Different error lines of its journal, the newest last."""
    fail_swap_on: bool = True
    """False where its configuration or a flag lets it run with swap."""
    rotates_certificates: bool | None = None
    """``rotateCertificates`` of its configuration; None where neither that nor a flag sets it."""
    swaps: tuple[str, ...] = ()
    """Devices and files that the host swaps to."""
    kubeadm_files: tuple[str, ...] = ()
    """Paths of the kubeconfigs and of the marker of an unfinished init that kubeadm and this console left."""
    listeners: tuple[Listener, ...] = ()
    """Read only while a static pod's log has a port that is in use."""

    def pod(self, name: str) -> StaticPodState | None:
        """The static pod of that name: the one from ``NAME.yaml`` where several files have it."""
        pods = [pod for pod in self.static_pods if pod.name == name]
        return next((pod for pod in pods if pod.file == f"{name}.yaml"), pods[0] if pods else None)
