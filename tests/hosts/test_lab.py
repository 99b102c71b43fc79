"""Labs on this machine: started, complete, repaired, separate from one another, and removed without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from haconsole.inventory.load import load
from haconsole.lab.errors import LabError
from haconsole.lab.lab import Lab
from haconsole.lab.places import Places
from haconsole.lab.rootfs import base_folder
from haconsole.lab.shape import LabShape
from tests.fakes.waiting import eventually
from tests.hosts.conftest import LabMaker
from tests.hosts.machine import login, start_keepalived, traces, vip_holders

PARTS = ("mounts", "namespaces", "links", "routes", "groups", "processes", "files")


def haconsole(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((sys.executable, "-m", "haconsole", *words), capture_output=True, text=True, timeout=120)


def pids(lab: Lab) -> dict[str, int | None]:
    return {host.name: host.pid for host in lab.status()}


def test_hosts_come_up_bare_and_take_their_logins(shared_lab: Lab) -> None:
    for host in shared_lab.spec.hosts:
        root = login(shared_lab, host.name, "sudo", "-n", "id", "-un")
        assert (root.stdout, root.returncode) == ("root\n", 0), root.stderr
        message = login(shared_lab, host.name, "hostname; systemctl is-system-running; systemctl --failed --no-legend")
        assert message.stdout.split() == [host.name, "running"]
        units = shared_lab.exec(host.name, "systemctl", "is-enabled", "etcd", "haproxy", "keepalived")
        assert units.stdout.split() == ["disabled"] * 3
    ids = {shared_lab.exec(host.name, "cat", "/etc/machine-id").stdout for host in shared_lab.spec.hosts}
    assert len(ids) == len(shared_lab.spec.hosts)


def test_the_second_login_needs_its_password_for_sudo(shared_lab: Lab) -> None:
    refused = login(shared_lab, "cp1", "sudo", "-n", "id", user="opspw")
    assert refused.returncode == 1
    secret = shared_lab.folder / "opspw.password"
    assert secret.stat().st_mode & 0o777 == 0o600
    words = f"sudo -S -p '' id -un <<'END'\n{secret.read_text().strip()}\nEND"
    assert login(shared_lab, "cp1", words, user="opspw").stdout == "root\n"


def test_sshd_keeps_its_own_limits(shared_lab: Lab) -> None:
    settings = shared_lab.exec("cp1", "sshd", "-T").stdout.splitlines()
    assert {"maxsessions 10", "maxstartups 10:30:100"} <= set(settings)


def test_hosts_know_one_another_by_name(shared_lab: Lab) -> None:
    assert shared_lab.exec("cp1", "ping", "-c1", "-W2", "cp3").returncode == 0


def test_kubernetes_programs_are_there(shared_lab: Lab) -> None:
    for program in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        assert shared_lab.exec("cp2", program, "--version").stdout.startswith("Kubernetes v1.")
    assert shared_lab.exec("cp2", "kubeadm", "version", "-o", "short").stdout.startswith("v1.")


def test_the_inventory_is_one_the_program_reads(shared_lab: Lab) -> None:
    inventory = load(shared_lab.inventory_path)
    assert [host.name for host in inventory.hosts] == ["cp1", "cp2", "cp3"]
    assert haconsole("lab", "inventory", "--name", shared_lab.name).stdout.strip() == str(shared_lab.inventory_path)


def test_a_second_up_changes_nothing(shared_lab: Lab) -> None:
    before = pids(shared_lab)
    output = shared_lab.inventory_path.stat().st_mtime_ns
    assert shared_lab.up() is False
    assert pids(shared_lab) == before
    assert shared_lab.inventory_path.stat().st_mtime_ns == output


def test_another_shape_is_refused(shared_lab: Lab) -> None:
    with pytest.raises(LabError, match="3 control planes"):
        shared_lab.up(LabShape(hosts=5))


def test_exec_passes_status_and_output_on(shared_lab: Lab) -> None:
    result = haconsole(
        "lab", "exec", "--name", shared_lab.name, "cp1", "--", "sh", "-c", "hostname; echo no >&2; exit 7"
    )
    assert (result.returncode, result.stdout, result.stderr) == (7, "cp1\n", "no\n")
    unknown = haconsole("lab", "exec", "--name", shared_lab.name, "cp9", "true")
    assert unknown.returncode == 6
    assert "cp1, cp2, cp3" in unknown.stderr


async def test_a_virtual_address_moves_when_its_owner_loses_power(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=2, kubernetes=False)
    start_keepalived(lab)
    await eventually(lambda: vip_holders(lab) == ["cp1"], within_s=15)
    lab.mute_vrrp("cp1", "cp2")
    await eventually(lambda: vip_holders(lab) == ["cp1", "cp2"], within_s=15)
    lab.reconnect()
    await eventually(lambda: vip_holders(lab) == ["cp1"], within_s=15)
    lab.crash("cp1")
    assert [host.running for host in lab.status()] == [False, True]
    await eventually(lambda: lab.spec.vip in lab.exec("cp2", "ip", "address").stdout, within_s=15)
    lab.boot("cp1")
    assert all(host.reachable for host in lab.status())


def test_a_cut_host_reaches_nobody_until_it_is_reconnected(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=3, kubernetes=False)

    def reaches(one: str, other: str) -> bool:
        return lab.exec(one, "ping", "-c1", "-W1", other).returncode == 0

    assert reaches("cp1", "cp2")
    lab.cut("cp1", "cp2")
    assert [reaches("cp1", "cp2"), reaches("cp2", "cp1"), reaches("cp1", "cp3")] == [False, False, True]
    assert login(lab, "cp1", "true").returncode == 0
    lab.cut("cp3")
    assert not reaches("cp3", "cp1")
    assert login(lab, "cp3", "true").returncode == 255
    lab.reconnect("cp3")
    assert reaches("cp3", "cp1")
    assert lab.up() is True
    assert reaches("cp1", "cp2")


def test_up_adds_missing_parts(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=3, kubernetes=False)
    before = pids(lab)
    known = (lab.folder / "known_hosts").read_text()
    lab.exec("cp1", "sh", "-c", "echo kept >/root/kept; sync")
    leader = before["cp1"]
    assert leader
    os.kill(leader, signal.SIGKILL)  # the host dies
    lab.crash("cp2")
    subprocess.run(("umount", lab.host("cp2").root), check=True)
    subprocess.run(("ip", "-n", lab.spec.switch, "link", "del", "cp3"), check=True)
    (lab.folder / "inventory.yaml").unlink()
    assert lab.up() is True
    assert [host.reachable for host in lab.status()] == [True, True, True]
    assert all(login(lab, host.name, "true").returncode == 0 for host in lab.spec.hosts)
    assert pids(lab)["cp3"] == before["cp3"], "a host whose cable was pulled need not boot again"
    assert lab.exec("cp1", "cat", "/root/kept").stdout == "kept\n"
    assert (lab.folder / "known_hosts").read_text() == known
    assert lab.up() is False


def test_up_makes_a_missing_switch(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=2, kubernetes=False)
    subprocess.run(("ip", "netns", "del", lab.spec.switch), check=True)
    assert lab.up() is True
    assert [login(lab, name, "true").returncode for name in ("cp1", "cp2")] == [0, 0]


def test_down_leaves_nothing(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=2, workers=1, bastion=True, kubernetes=False)
    assert set(traces(lab)) == {*PARTS, "nspawn"}
    assert lab.down() is True
    assert traces(lab) == {}
    assert lab.down() is False


def test_down_takes_a_lab_whose_record_is_damaged(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=1, kubernetes=False)
    (lab.folder / "lab.json").write_text("{")
    assert lab.down() is True
    assert traces(lab) == {}


def test_an_up_that_fails_leaves_nothing(places: Places, tmp_path: Path) -> None:
    hollow = Places(places.state, tmp_path)
    base_folder(tmp_path).mkdir(parents=True)
    lab = Lab(f"t{os.getpid()}f0", places=hollow)
    with pytest.raises(LabError):
        lab.up(LabShape(hosts=2, kubernetes=False))
    assert traces(lab) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_up_that_is_interrupted_leaves_nothing(places: Places, number: signal.Signals) -> None:
    lab = Lab(f"t{os.getpid()}i0", places=places)
    words = ("lab", "up", "--name", lab.name, "--no-kubernetes", "--hosts", "4")
    process = subprocess.Popen((sys.executable, "-m", "haconsole", *words), stderr=subprocess.DEVNULL)
    try:
        await eventually((lab.folder / "hosts/cp1/console.log").exists)
        process.send_signal(number)
        assert process.wait(30) == 130
        assert traces(lab) == {}
    finally:
        process.kill()
        process.wait()
        lab.down()


def test_a_lab_is_complete_in_json_too(shared_lab: Lab) -> None:
    result = haconsole("lab", "status", "--json", "--name", shared_lab.name)
    document = json.loads(result.stdout)
    assert (result.returncode, document["schema"], document["lab"]) == (0, "haconsole/lab/v1", shared_lab.name)
    assert [(host["name"], host["reachable"]) for host in document["hosts"]] == [
        ("cp1", True),
        ("cp2", True),
        ("cp3", True),
    ]


def test_labs_side_by_side_share_nothing(make_lab: LabMaker) -> None:
    one, other = make_lab(hosts=1, kubernetes=False), make_lab(hosts=1, kubernetes=False)
    assert one.spec.subnet != other.spec.subnet
    assert login(one, "cp1", "true").returncode == login(other, "cp1", "true").returncode == 0
    assert one.exec("cp1", "ping", "-c1", "-W1", other.spec.host("cp1").address).returncode != 0
    one.down()
    assert login(other, "cp1", "true").returncode == 0


def test_a_bastion_is_the_only_way_in(make_lab: LabMaker) -> None:
    lab = make_lab(hosts=2, bastion=True, kubernetes=False)
    assert login(lab, "bastion", "hostname").stdout == "bastion\n"
    assert login(lab, "cp1", "hostname").returncode == 255
    assert login(lab, "cp1", "hostname", jump=True).stdout == "cp1\n"
    assert lab.exec("cp1", "ping", "-c1", "-W1", "cp2").returncode == 0
    assert lab.exec("cp1", "ping", "-c1", "-W1", lab.spec.machine_address).returncode != 0


def test_a_machine_with_the_unified_layout_will_do(places: Places) -> None:
    """This machine's own layout may be the hybrid one; the test's mount namespace has only the unified one."""
    lab = Lab(f"t{os.getpid()}u0", places=places)
    python = f"{sys.executable} -m haconsole lab"
    script = f"""
        awk '$2 ~ "^/sys/fs/cgroup" {{print $2}}' /proc/self/mounts | sort -r | xargs -r umount
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        {python} up --name {lab.name} --hosts 1 --no-kubernetes
        {python} exec --name {lab.name} cp1 -- systemctl is-system-running
        {python} down --name {lab.name}
        find /sys/fs/cgroup -name {lab.name}
    """
    try:
        argv = ("unshare", "--mount", "sh", "-e", "-c", script)
        result = subprocess.run(argv, capture_output=True, text=True, timeout=120)
        assert (result.returncode, result.stdout.split()) == (0, [str(lab.inventory_path), "running"]), result.stderr
    finally:
        lab.down()
