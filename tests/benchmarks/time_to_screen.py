"""Seconds from a change on a host to its showing in the console, in a real terminal of 80x24.

    python tests/benchmarks/time_to_screen.py LAB [--runs N]

LAB is a bootstrapped practice cluster that is up. An address (the VIP, put on a second host as well, then taken away),
a lease (a leader lock of its own that changes hands), a leader (etcd's, moved) and a server (haproxy's, into
maintenance and back) are changed by the hosts' own tools. The clock starts when the tool has returned and the screen is
read every 10 ms; the time of one such reading, which no figure can be below, is printed first. Prints every run and the
medians; ends with 1 when an address takes longer than its limit.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from haconsole.configs.layout import layout
from haconsole.inventory.load import load
from haconsole.lab.lab import Lab
from tests.hosts.terminal import Terminal

ADDRESS_LIMIT_S = 0.5
GIVE_UP_S = 30.0
LOCK = "practice"
KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-system"
ETCDCTL = (
    "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/etcd/pki/ca.crt"
    " --cert=/etc/etcd/pki/client.crt --key=/etc/etcd/pki/client.key"
)


@dataclass(frozen=True)
class Change:
    """A change on a host, and the pattern on the screen that shows it."""

    kind: str
    host: str
    script: str
    shows: str


def on(lab: Lab, host: str, script: str) -> str:
    result = lab.exec(host, "sh", "-c", script)
    if result.returncode != 0:
        raise SystemExit(f"{host}: {script}: {result.stderr or result.stdout}")
    return result.stdout


def changes(lab: Lab) -> Iterator[Change]:
    """Each kind once, and back."""
    names = [host.name for host in lab.spec.hosts]
    vip = f"{lab.spec.vip}/32"
    owner = next(name for name in names if f" {lab.spec.vip}/" in on(lab, name, "ip -4 -o address"))
    other = next(name for name in names if name != owner)
    yield Change("address", other, f"ip address add {vip} dev eth0", r"VIP owner\s+✖ SPLIT")
    yield Change("address", other, f"ip address del {vip} dev eth0", rf"VIP owner\s+● {owner}")
    for name in names[:2]:
        holder = json.dumps({"spec": {"holderIdentity": f"{name}_b0b0b0b0"}})
        yield Change("lease", names[0], f"{KUBECTL} patch lease {LOCK} --type=merge -p '{holder}'", rf"{LOCK}\s+{name}")
    for name in (other, owner):
        leader = on(lab, name, f"{ETCDCTL} endpoint status -w json --cluster")
        document = json.loads(leader)
        here = json.loads(on(lab, name, f"{ETCDCTL} endpoint status -w json"))[0]["Status"]["header"]["member_id"]
        now = next(each for each in document if each["Status"]["header"]["member_id"] == each["Status"]["leader"])
        script = f"{ETCDCTL.replace('https://127.0.0.1:2379', now['Endpoint'])} move-leader {here:x}"
        yield Change("leader", name, script, rf"{name}\s+★ leader")
    haproxy = layout(load(lab.inventory_path)).haproxy
    assert haproxy
    told_by_socket = on(lab, owner, f"echo 'show stat' | socat - {haproxy.stats_socket}")
    backend = next(line.split(",")[0] for line in told_by_socket.splitlines() if f",{other}," in line)
    for state, shows in (("maint", rf"{other}\s+\S+ MAINT|{other}\s+\S+ maint"), ("ready", rf"{other}\s+● UP")):
        command = f"set server {backend}/{other} state {state}"
        yield Change("server", owner, f"echo '{command}' | socat - {haproxy.stats_socket}", shows)


@contextmanager
def lock(lab: Lab) -> Iterator[None]:
    """A leader lock nobody else renews, good for an hour."""
    host = lab.spec.hosts[0].name
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    spec = {"holderIdentity": "nobody_b0b0b0b0", "leaseDurationSeconds": 3600, "acquireTime": now, "renewTime": now}
    result = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LOCK}, "spec": spec}
    on(lab, host, f"echo '{json.dumps(result)}' | {KUBECTL} apply -f -")
    try:
        yield
    finally:
        on(lab, host, f"{KUBECTL} delete lease {LOCK}")


def wait_for(terminal: Terminal, pattern: str) -> None:
    began = time.perf_counter()
    while re.search(pattern, terminal.screen()) is None:
        if time.perf_counter() - began > GIVE_UP_S:
            raise SystemExit(f"{pattern!r} did not show within {GIVE_UP_S:.0f} s:\n{terminal.screen()}")
        time.sleep(0.01)


def timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("lab")
    arguments.add_argument("--runs", type=int, default=5)
    options = arguments.parse_args()
    lab = Lab(options.lab)
    took: dict[str, list[float]] = {}
    argv = [sys.executable, "-m", "haconsole", str(lab.inventory_path)]
    with (
        tempfile.TemporaryDirectory() as folder,
        lock(lab),
        Terminal(argv, Path(folder), {"XDG_STATE_HOME": folder}, (80, 24)) as terminal,
    ):
        wait_for(terminal, LOCK)
        print(f"one reading of the screen takes {timed(terminal.screen) * 1000:.0f} ms")
        for _ in range(options.runs):
            for change in changes(lab):
                on(lab, change.host, change.script)
                took.setdefault(change.kind, []).append(timed(partial(wait_for, terminal, change.shows)))
                print(f"{change.kind:8} {took[change.kind][-1]:.2f} s")
                time.sleep(1)
        terminal.press("q")
    for kind, runs in took.items():
        print(f"{kind:8} median {statistics.median(runs):.2f} s, longest {max(runs):.2f} s of {len(runs)}")
    return int(statistics.median(took["address"]) > ADDRESS_LIMIT_S)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.TimeoutExpired as error:
        sys.exit(str(error))
