"""Containers of a kubeadm host by containerd itself, and copies of its certificates that have expired."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from haconsole.lab.lab import Lab
from tests.hosts.kubeadm_cluster import kubectl, output


def running_pods(lab: Lab, host: str) -> set[str]:
    """The control plane's containers with a running task, by containerd itself."""
    ctr = ("ctr", "-n", "k8s.io")
    tasks = [line.split() for line in output(lab, host, *ctr, "tasks", "list").splitlines()[1:]]
    labels = (
        json.loads(output(lab, host, *ctr, "containers", "info", task[0]))["Labels"]
        for task in tasks
        if task[2] == "RUNNING"
    )
    names = {one.get("io.kubernetes.container.name", "") for one in labels}
    return names & {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}


def mirrored_pods(lab: Lab) -> set[tuple[str, str]]:
    """Hosts and static pods that run by the API; kubelet reports them some ten seconds late."""
    listed = json.loads(kubectl(lab, "cp1", "-n", "kube-system", "get", "pods", "-o", "json"))["items"]
    return {
        (pod["spec"]["nodeName"], pod["spec"]["containers"][0]["name"])
        for pod in listed
        if pod["status"]["phase"] == "Running"
        and "kubernetes.io/config.mirror" in pod["metadata"].get("annotations", {})
    }


def expired_copy(lab: Lab, host: str, path: str) -> bytes:
    """The certificate at `path` as it would be a day after its end, with the key that is in the same file, if any."""
    root = lab.host("cp1").root / "etc/kubernetes/pki"
    authority = x509.load_pem_x509_certificate((root / "ca.crt").read_bytes())
    signer = serialization.load_pem_private_key((root / "ca.key").read_bytes(), None)
    text = output(lab, host, "cat", path).encode()
    old, now = x509.load_pem_x509_certificate(text), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(authority.subject)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=366))
        .not_valid_after(now - timedelta(days=1))
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    key = text[text.index(b"-----BEGIN EC PRIVATE") :] if b"EC PRIVATE" in text else b""
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key  # type: ignore[arg-type]
