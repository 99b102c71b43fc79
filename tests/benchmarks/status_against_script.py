"""`haconsole status --json` against a script that asks the same hosts the same with ssh and the usual tools.

    python -m tests.benchmarks.status_against_script INVENTORY [ROUNDS]

The script opens one ssh to each host, all at once, and there runs etcdctl, ip, socat, kubectl, systemctl and openssl
one after another. Both are whole processes, run in turn; the medians and the ratio of the pairs are printed.
"""

from __future__ import annotations

import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

from haconsole.configs.layout import layout
from haconsole.inventory.effective import ssh_for
from haconsole.inventory.load import load
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role


def remote(inventory: Inventory, host: Host) -> str:
    """What the script runs on one host: the questions of `status`, asked with the field's own tools."""
    places = layout(inventory)
    etcd = places.etcd
    pki = etcd.pki
    tls = f"--cacert {pki.ca.cert} --cert {pki.client.cert} --key {pki.client.key}" if pki else ""
    endpoint = f"--endpoints {etcd.scheme}://127.0.0.1:{etcd.client_port}"
    questions = ["ip -j addr", "date +%s.%N", "df -P -B1 / /var/lib/etcd"]
    units = ["etcd", "haproxy", "keepalived", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    questions.append("systemctl show -p Id,ActiveState,SubState,MainPID,NRestarts " + " ".join(units))
    if Role.ETCD in host.roles:
        verbs = ("endpoint status", "member list", "alarm list", "endpoint health")
        questions.extend(f"ETCDCTL_API=3 etcdctl {endpoint} {tls} -w json {verb}" for verb in verbs)
    if Role.LOAD_BALANCER in host.roles and inventory.haproxy is not None:
        questions.append(f"echo 'show stat' | socat - UNIX-CONNECT:{inventory.haproxy.stats_socket}")
        questions.append("cat /etc/keepalived/keepalived.conf")
    if Role.CONTROL_PLANE in host.roles:
        questions.append("kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system get lease -o json")
        questions.append("kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz")
    questions.append(
        "for f in $(find /etc/etcd/pki /etc/kubernetes/pki -name '*.crt'); do"
        " openssl x509 -in $f -noout -subject -issuer -enddate -ext subjectAltName; done"
    )
    return "; ".join(questions)


def script(inventory: Inventory) -> str:
    """The whole script: one background ssh a host, then wait."""
    lines = ["#!/bin/sh"]
    for host in inventory.hosts:
        if Role.BASTION in host.roles:
            continue
        ssh = ssh_for(inventory, host)
        target = f"{ssh.user}@{ssh.address}" if ssh.user else ssh.address
        options = [f"-p{ssh.port}", "-oBatchMode=yes", "-oLogLevel=ERROR"]
        options += [f"-i{ssh.identity_file}"] if ssh.identity_file else []
        options += [f"-oUserKnownHostsFile={ssh.known_hosts}"] if ssh.known_hosts else []
        command = f"sudo -n sh -c {shlex.quote(remote(inventory, host))}"
        lines.append(f"ssh {shlex.join(options)} {target} {shlex.quote(command)} >/dev/null 2>&1 &")
    return "\n".join([*lines, "wait", ""])


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def main(path: str, rounds: int = 7) -> None:
    """Print both medians and the median of the ratios."""
    text = script(load(Path(path)))
    ours = [sys.executable, "-m", "haconsole", "status", path, "--json"]
    theirs = ["sh", "-c", text]
    timed(ours), timed(theirs)
    pairs = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    print(f"haconsole status --json: median {statistics.median(a for a, _ in pairs):.3f} s of {rounds}")
    print(f"script:                  median {statistics.median(b for _, b in pairs):.3f} s")
    print(f"ratio:                   median {statistics.median(a / b for a, b in pairs):.2f}")


if __name__ == "__main__":
    main(sys.argv[1], *(int(word) for word in sys.argv[2:3]))
