"""A failure of a kubeadm cluster that a command brings about on one host, and the commands that such failures share."""

from __future__ import annotations

from dataclasses import dataclass

MANIFESTS = "/etc/kubernetes/manifests"


@dataclass(frozen=True)
class Mode:
    """A failure to make on one host, and the first finding that must name its cause."""

    name: str
    host: str
    make: str
    undo: str
    code: str
    subject: str
    holds: str = ""
    """A text that the finding must hold."""
    everywhere: bool = False
    """The finding is about the cluster: it must be the first of all findings, and `subject` may be left empty."""


def edit(file: str, change: str) -> tuple[str, str]:
    """Commands that change a file by sed, keeping a copy elsewhere, and that put it back."""
    copy = f"/root/{file.strip('/').replace('/', '_')}"
    return f"cp -p {file} {copy} && sed -i '{change}' {file}", f"cp -p {copy} {file}"


def while_stopped(pod: str, command: str) -> str:
    """Do the command while the static pod is stopped: its manifest is moved out of kubelet's folder, then back.

    kubelet waits longer for each start of a pod, up to 5 minutes after several of these failures. A restart ends that.
    """
    out = f"mv {MANIFESTS}/{pod}.yaml /root/ && while pidof {pod} >/dev/null; do sleep 0.5; done"
    return f"{out} && {command} && mv /root/{pod}.yaml {MANIFESTS}/ && systemctl restart kubelet"


def replaced(path: str, command: str) -> tuple[str, str]:
    """Commands that keep a copy of a file and change the original, and that put the copy back."""
    copy = f"/root/{path.strip('/').replace('/', '_')}"
    return f"cp -p {path} {copy} && {command}", f"cp -p {copy} {path}"


def in_config_map(kubectl: str, name: str, change: str) -> tuple[str, str]:
    """Commands that change a ConfigMap by sed, and that put it back."""
    copy = f"/root/{name}.yaml"
    read = f"{kubectl} get configmap {name} -o yaml | sed '/resourceVersion/d' >{copy}"
    return f"{read} && sed '{change}' {copy} | {kubectl} replace -f -", f"{kubectl} replace -f {copy}"
