"""`haconsole status --json` against a shell script that reads the same facts from the same hosts with the usual tools.

    python tests/benchmarks/status_against_script.py INVENTORY [--runs N] [--kubectl PATH]

The script runs one ssh a host side by side (ip, systemctl, df, etcdctl, socat on haproxy's socket, openssl on every
certificate and on every port that serves one) and beside them kubectl for the leases and each host's /readyz. Its
kubeconfig is fetched before the time is taken, and bytecode is kept as an installed program's is. Prints every pair of
runs, seconds on the clock and of the processor, then the medians; ends with 1 when status takes longer. For clusters of
systemd units with TLS, by an SSH key.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from haconsole.configs.certificate_files import certificate_files
from haconsole.configs.layout import Layout, layout
from haconsole.inventory.effective import ssh_for
from haconsole.inventory.load import load
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role


@dataclass(frozen=True)
class Took:
    wall_s: float
    cpu_s: float


def ssh(inventory: Inventory, host: Host) -> str:
    """The command line of a person's own ssh to the host."""
    way = ssh_for(inventory, host)
    options = ["-F none", "-o BatchMode=yes", f"-p {way.port}"]
    options += [f"-i {way.identity_file}"] if way.identity_file else []
    options += [f"-o UserKnownHostsFile={way.known_hosts}"] if way.known_hosts else []
    return f"ssh {' '.join(options)} {way.user}@{way.address}"


def remote(paths: Layout, host: Host) -> str:
    """The commands that the script runs on a host as root."""
    etcd, haproxy = paths.etcd, paths.haproxy
    assert etcd.pki
    assert haproxy
    tls = f"--cacert={etcd.pki.ca.cert} --cert={etcd.pki.client.cert} --key={etcd.pki.client.key}"
    etcdctl = f"etcdctl --endpoints=https://{host.address}:{etcd.client_port} {tls} -w json"
    lines = [
        "export ETCDCTL_API=3",
        "date +%s.%N; ip -j address; df -P / /var/lib/etcd",
        f"systemctl show -p Id,ActiveState,SubState,MainPID,NRestarts {' '.join(paths.units(host))}",
        f"{etcdctl} endpoint status; {etcdctl} member list; {etcdctl} endpoint health",
        f"printf 'show info;show stat;show servers state\\n' | socat - UNIX-CONNECT:{haproxy.stats_socket}",
        "cat /etc/keepalived/keepalived.conf; journalctl -q -o cat -u keepalived | grep STATE | tail -n 1",
    ]
    for file in certificate_files(paths, host):
        lines.append(f"openssl x509 -noout -subject -issuer -dates -ext subjectAltName -fingerprint -in {file.cert}")
        if file.key:
            lines.append(f"openssl pkey -pubout -in {file.key} | sha256sum; stat -c %a {file.key}")
        if file.ca:
            lines.append(f"openssl verify -CAfile {file.ca} {file.cert}")
        if file.port:
            output = f"openssl s_client -connect {host.address}:{file.port} </dev/null 2>/dev/null"
            lines.append(f"{output} | openssl x509 -noout -fingerprint")
    return "\n".join(lines)


def script(inventory: Inventory, kubectl: str, kubeconfig: Path) -> str:
    """The script: everything side by side, then wait."""
    paths = layout(inventory)
    assert paths.kubernetes
    planes = inventory.with_role(Role.CONTROL_PLANE)
    run = f"{kubectl} --kubeconfig {kubeconfig}"
    lines = [f"{ssh(inventory, host)} sudo sh -s <<'END' &\n{remote(paths, host)}\nEND" for host in planes]
    lines.append(f"{run} -n kube-system get lease -o json &")
    servers = [f"https://{host.address}:{paths.kubernetes.api_port}" for host in planes]
    lines += [f"{run} --server {server} get --raw '/readyz?verbose' &" for server in servers]
    return "\n".join((*lines, "wait"))


def fetch_kubeconfig(inventory: Inventory, folder: Path) -> Path:
    """The operator's own kubeconfig, which such a script uses."""
    paths = layout(inventory).kubernetes
    assert paths
    assert paths.admin.files
    host = inventory.with_role(Role.CONTROL_PLANE)[0]
    files = {"ca": paths.ca.cert, "crt": paths.admin.files.cert, "key": paths.admin.files.key}
    for name, path in files.items():
        output = subprocess.run(f"{ssh(inventory, host)} sudo cat {path}", shell=True, check=True, capture_output=True)
        (folder / name).write_bytes(output.stdout)
    result = folder / "config"
    result.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        f"clusters: [{{name: c, cluster: {{server: 'https://{host.address}:{paths.api_port}', "
        f"certificate-authority: {folder}/ca}}}}]\n"
        f"users: [{{name: u, user: {{client-certificate: {folder}/crt, client-key: {folder}/key}}}}]\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    return result


def timed(command: list[str], bytecode: str, stdin: str = "") -> Took:
    environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if len(result.stdout) < 1000:
        raise SystemExit(f"{command[0]} printed next to nothing: {result.stdout[-300:]}{result.stderr[-300:]}")
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("inventory", type=Path)
    arguments.add_argument("--runs", type=int, default=9)
    arguments.add_argument("--kubectl", default="kubectl")
    options = arguments.parse_args()
    inventory = load(options.inventory)
    status = [sys.executable, "-m", "haconsole", "status", "--json", str(options.inventory)]
    ours: list[Took] = []
    theirs: list[Took] = []
    with tempfile.TemporaryDirectory() as folder:
        text = script(inventory, options.kubectl, fetch_kubeconfig(inventory, Path(folder)))
        timed(status, folder)
        for _ in range(options.runs):
            ours.append(timed(status, folder))
            theirs.append(timed(["sh", "-s"], folder, text))
            print(f"status {ours[-1].wall_s:.2f} s ({ours[-1].cpu_s:.2f} s of the processor)", end=", ")
            print(f"script {theirs[-1].wall_s:.2f} s ({theirs[-1].cpu_s:.2f} s); load {os.getloadavg()[0]:.1f}")
    status_s, script_s = (statistics.median(took.wall_s for took in each) for each in (ours, theirs))
    print(f"median: status {status_s:.2f} s, script {script_s:.2f} s")
    return int(status_s > script_s)


if __name__ == "__main__":
    sys.exit(main())
