"""Plans of prepare as a person reads them and their commands, per family of systems; refusals; the first phase.

dnf, SELinux and firewalld cannot be run on the hosts of the lab: their commands are only compared with kept ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.bootstrap.plan import plan_bootstrap
from haconsole.actions.catalogue import find_action
from haconsole.actions.membership.plan import plan_join
from haconsole.actions.operations import RunCommand, UndoByCommand, WriteFile
from haconsole.actions.plan_context import BootstrapPart
from haconsole.actions.preparation.plan import plan_prepare
from haconsole.actions.step import Plan, Refusal, Step
from haconsole.cli.reports.plan import plan_text
from haconsole.inventory.load import load
from haconsole.inventory.preparation import Preparation, Release, Releases, Runtime, SelinuxMode
from haconsole.inventory.schema import Inventory
from haconsole.model.observed import NOT_ASKED, Cause, Failed
from haconsole.model.platform import FirewallTool, PackageTool, PlatformFacts, ProgramState, RuntimeState
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.scripts import script_name
from tests.fakes import platforms
from tests.fakes.cluster import bare
from tests.fakes.kubeadm import INVENTORY, healthy

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = Path(__file__).resolve().parents[3] / "sample-inventories"
KUBEADM = load(SAMPLES / "kubeadm-bare-machines.yaml")
KUBEADM = msgspec.structs.replace(
    KUBEADM,
    preparation=msgspec.structs.replace(
        KUBEADM.preparation,
        repositories=tuple(
            msgspec.structs.replace(one, key=f"/keys/{one.name}.asc") for one in KUBEADM.preparation.repositories
        ),
    ),
)
UNITS = load(SAMPLES / "lab.yaml")
RELEASES = Releases(
    kubernetes=Release(path="/r/kubernetes-server-linux-amd64.tar.gz", sha256="a" * 64), etcd=Release(path="/r/etcd")
)


def snapshot_of(inventory: Inventory, by_host: dict[str, PlatformFacts]) -> ClusterSnapshot:
    return platforms.with_platforms(bare(inventory), inventory, by_host)


def unreached(inventory: Inventory, by_host: dict[str, PlatformFacts]) -> ClusterSnapshot:
    """Without the facts of reached hosts that only bootstrap needs."""
    snapshot = snapshot_of(inventory, by_host)
    return replace(snapshot, hosts=tuple(replace(facts, reach=NOT_ASKED) for facts in snapshot.hosts))


def prepared(inventory: Inventory, by_host: dict[str, PlatformFacts], hosts: str = "") -> Plan:
    plan = plan_prepare(snapshot_of(inventory, by_host), inventory, {"hosts": hosts} if hosts else {})
    assert isinstance(plan, Plan), plan.reasons
    return plan


def refused(inventory: Inventory, by_host: dict[str, PlatformFacts], hosts: str = "") -> tuple[str, ...]:
    plan = plan_prepare(snapshot_of(inventory, by_host), inventory, {"hosts": hosts} if hosts else {})
    assert isinstance(plan, Refusal)
    return plan.reasons


def with_preparation(inventory: Inventory, **changes: object) -> Inventory:
    return msgspec.structs.replace(inventory, preparation=msgspec.structs.replace(inventory.preparation, **changes))


def command(operation: object) -> str:
    if isinstance(operation, WriteFile):
        return f"write {operation.path}\n" + "".join(f"    | {line}\n" for line in operation.content.splitlines())
    if not isinstance(operation, RunCommand):
        return f"{operation}\n"
    words = (script_name(word) or word for word in operation.argv)
    return " ".join(word or "''" for word in words) + "\n"


def commands(plan: Plan) -> str:
    return "".join(f"{step.id}: {command(step.operation)}" + _undo(step) for step in plan.steps)


def _undo(step: Step) -> str:
    match step.undo:
        case UndoByCommand(operation=operation):
            return f"  undo: {command(operation)}"
        case _:
            return f"  undo: {step.undo}\n"


@pytest.mark.parametrize(
    ("name", "inventory", "by_host"),
    [
        ("debian12", KUBEADM, {"cp1": platforms.DEBIAN_12}),
        (
            "debian13-files",
            with_preparation(KUBEADM, packages="/p", repositories=(), images=("/i/all.tar",)),
            {"cp1": platforms.DEBIAN_13},
        ),
        ("ubuntu", KUBEADM, {"cp1": platforms.UBUNTU, "w1": platforms.UBUNTU}),
        ("rocky9", KUBEADM, {"cp1": platforms.ROCKY, "w1": platforms.ROCKY}),
        ("units-releases", with_preparation(UNITS, releases=RELEASES), {"cp1": platforms.DEBIAN_12}),
    ],
)
def test_plan_and_commands_are_as_kept(name: str, inventory: Inventory, by_host: dict[str, PlatformFacts]) -> None:
    plan = prepared(inventory, by_host, ",".join(by_host))
    content = GOLDEN / f"prepare-{name}.txt"
    text = f"{plan_text(plan)}\n\ncommands\n{commands(plan)}"
    if os.environ.get("HACONSOLE_WRITE_GOLDEN") == "1":
        content.write_text(text)
    assert text == content.read_text()


def test_hosts_are_prepared_in_parallel_and_each_in_order() -> None:
    steps = prepared(KUBEADM, {"cp1": platforms.DEBIAN_12, "w1": platforms.DEBIAN_12}).steps
    hosts = {step.id: step.host for step in steps}
    for step in steps:
        assert {hosts[need] for need in step.needs} <= {step.host}
    assert sum(not step.needs for step in steps) == len(KUBEADM.hosts)
    assert len(hosts) == len(steps)


def test_everything_missing_is_listed_at_once_with_its_fix() -> None:
    rocky = replace(platforms.ROCKY, runtime=RuntimeState("containerd", "", True, "cgroupfs", "", True))
    summary = prepared(KUBEADM, {"cp1": rocky, "cp2": platforms.UBUNTU}).summary.splitlines()
    assert summary[0] == "cp1 (Rocky Linux 9.4 (Blue Onyx)):"
    first = "\n".join(summary[1 : summary.index("cp2 (Ubuntu 24.04.1 LTS):")])
    for text in (
        "iptables, kubelet, kubeadm are missing: to be installed from the repositories",
        "swap is on (/dev/dm-1): to be turned off, in fstab too",
        "net.ipv4.ip_forward is 0: to be set to 1",
        "its CRI plugin is disabled: to be corrected",
        "its cgroup driver is cgroupfs, and kubelet's is systemd: to be corrected",
        "SELinux is enforcing: to be set to permissive",
        "firewalld closes 2379/tcp",
    ):
        assert text in first
    assert summary[-2:] == [f"{name} (Debian GNU/Linux 12 (bookworm)): everything is there" for name in ("cp3", "w1")]


def test_a_repository_that_offers_nothing_is_refused_before_anything_changes() -> None:
    inventory = with_preparation(KUBEADM, repositories=())
    reasons = refused(inventory, {"cp1": platforms.UBUNTU, "w1": platforms.UBUNTU})
    assert [reason.partition(",")[0] for reason in reasons] == [
        f"{host}: {name} is missing" for host in ("cp1", "w1") for name in ("kubelet", "kubeadm")
    ]
    assert "preparation.repositories" in reasons[0]
    units = refused(UNITS, {"cp1": platforms.DEBIAN_12})
    assert len(units) == 3
    assert "preparation.releases.kubernetes" in units[0]


def test_an_existing_installation_of_another_version_is_kept_and_refused() -> None:
    cp1 = KUBEADM.hosts[0]
    old = platforms.ready(KUBEADM, cp1)
    programs = tuple(
        ProgramState("kubelet", "/usr/bin/kubelet", "1.30.9") if one.name == "kubelet" else one for one in old.programs
    )
    (reason,) = refused(KUBEADM, {"cp1": replace(old, programs=programs)})
    assert "kubelet is 1.30.9, and kubernetes.version is 1.31.4" in reason


def test_unknown_hosts_and_platforms_are_refused() -> None:
    assert refused(KUBEADM, {}, "cp9, cp1") == ("the inventory has no host cp9",)
    no_tool = replace(platforms.DEBIAN_12, tool=PackageTool.NONE)
    assert "neither apt, dnf nor yum" in refused(KUBEADM, {"cp1": no_tool})[0]
    snapshot = snapshot_of(KUBEADM, {})
    failed: Failed[PlatformFacts] = Failed("sudo refuses", snapshot.observed_at, Cause.SUDO_REFUSED)
    hosts = (replace(snapshot.hosts[0], platform=failed), *snapshot.hosts[1:])
    plan = plan_prepare(replace(snapshot, hosts=hosts), KUBEADM, {})
    assert isinstance(plan, Refusal)
    assert plan.reasons == ("cp1: its platform is unknown: sudo refuses",)


def ids(plan: Plan, host: str) -> list[str]:
    return [step.id.partition("@")[0] for step in plan.steps if step.host == host]


def test_a_container_keeps_swap_modules_and_clock_of_its_machine() -> None:
    inside = replace(platforms.UBUNTU, container=True, time_service="")
    names = ids(prepared(KUBEADM, {"cp1": inside}), "cp1")
    assert not {"prepare.swap", "prepare.modules", "prepare.clock"} & set(names)
    assert "prepare.sysctl" in names


def test_another_runtime_is_kept() -> None:
    crio = replace(platforms.DEBIAN_12, runtime=RuntimeState("crio", "/run/crio/crio.sock"))
    plan = prepared(KUBEADM, {"cp1": crio})
    assert "prepare.containerd" not in ids(plan, "cp1")
    install = next(step for step in plan.steps if step.id == "prepare.packages@cp1")
    assert "containerd" not in install.title


def test_settings_of_the_inventory_decide() -> None:
    ports = prepared(with_preparation(KUBEADM, firewall=False), {"cp1": platforms.UBUNTU})
    assert "prepare.firewall" not in ids(ports, "cp1")
    assert "open them by hand" in ports.summary
    other = replace(platforms.UBUNTU, firewall=FirewallTool.IPTABLES)
    assert "prepare.firewall" not in ids(prepared(KUBEADM, {"cp1": other}), "cp1")
    unheld = prepared(with_preparation(KUBEADM, hold=False), {"cp1": platforms.DEBIAN_12})
    assert "prepare.hold" not in ids(unheld, "cp1")
    labels = prepared(with_preparation(KUBEADM, selinux=SelinuxMode.CONTEXTS), {"cp1": platforms.ROCKY})
    (step,) = (one for one in labels.steps if one.id == "prepare.selinux@cp1")
    assert step.title == "Restore the SELinux labels of programs"
    image = prepared(with_preparation(KUBEADM, runtime=Runtime(sandbox_image="r.example/pause:9")), {})
    assert any("sandbox image r.example/pause:9" in step.title for step in image.steps)


def test_bootstrap_prepares_only_hosts_that_are_not_ready() -> None:
    snapshot = unreached(KUBEADM, {"cp2": platforms.DEBIAN_12, "w1": platforms.DEBIAN_12})
    plan = plan_bootstrap(snapshot, KUBEADM)
    assert isinstance(plan, Plan), plan.reasons
    first = [step for step in plan.steps if step.phase == "preparation"]
    assert {step.host for step in first} == {"cp2", "w1"}
    last = {next(step.id for step in reversed(first) if step.host == host) for host in ("cp2", "w1")}
    looks = [step for step in plan.steps if step.phase == "preflight"]
    assert looks
    assert all(set(step.needs) == last for step in looks)
    ready = plan_bootstrap(unreached(KUBEADM, {}), KUBEADM)
    assert isinstance(ready, Plan)
    assert not any(step.phase == "preparation" for step in ready.steps)


def test_a_setting_that_kubeadm_does_not_check_is_no_reason_to_prepare_a_host() -> None:
    host = platforms.ready(KUBEADM, KUBEADM.hosts[0])
    for name, prepares in (("net.ipv4.ip_forward", True), ("net.bridge.bridge-nf-call-ip6tables", False)):
        values = tuple((one, "0" if one == name else value) for one, value in host.sysctls)
        plan = plan_bootstrap(unreached(KUBEADM, {"cp1": replace(host, sysctls=values)}), KUBEADM)
        assert isinstance(plan, Plan)
        assert any(step.phase == "preparation" for step in plan.steps) is prepares, name


def test_bootstrap_is_refused_for_software_without_a_source() -> None:
    plan = plan_bootstrap(snapshot_of(UNITS, {"cp1": platforms.DEBIAN_12}), UNITS)
    assert isinstance(plan, Refusal)
    assert any("preparation.releases.kubernetes" in reason for reason in plan.reasons)


def test_one_part_needs_only_its_own_software() -> None:
    plan = plan_bootstrap(snapshot_of(UNITS, {"cp1": platforms.DEBIAN_12}), UNITS, BootstrapPart.ETCD)
    assert isinstance(plan, Plan), plan.reasons
    (packages,) = (step for step in plan.steps if step.id == "prepare.packages@cp1")
    assert "etcd" in packages.title
    assert "haproxy" not in packages.title


def test_join_prepares_the_new_host() -> None:
    inventory, snapshot = INVENTORY, healthy()
    host, platform = inventory.hosts[-1], platforms.DEBIAN_12
    planned = plan_join(platforms.with_platforms(snapshot, inventory, {host.name: platform}), inventory, host.name)
    assert isinstance(planned, Plan), planned.reasons
    assert "prepare.packages" in ids(planned, host.name)
    assert {step.host for step in planned.steps if step.phase == "preparation"} == {host.name}


def test_every_step_has_a_verification_and_an_undo() -> None:
    for platform in (platforms.DEBIAN_12, platforms.UBUNTU, platforms.ROCKY):
        for step in prepared(with_preparation(KUBEADM, packages="/p", images=("/i.tar",)), {"cp1": platform}).steps:
            assert step.verification, step.id
            assert step.undo is not None, step.id
            assert step.why, step.id


def test_prepare_takes_hosts() -> None:
    action = find_action("prepare")
    assert action.platform
    assert action.arguments[0].several
    assert Preparation().firewall
