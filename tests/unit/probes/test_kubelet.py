"""kubelet's settings and static pods where hosts differ from the captured ones."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from haconsole.model.kubelet import ContainerdConfig, KubeletFacts, StaticPodState
from haconsole.model.system import Listener
from haconsole.probes.errors import ProbeError
from haconsole.probes.hosts.kubelet import parse
from haconsole.probes.script import SectionAnswer

UID = "5fe91529562b4972920b70edb6e47ec9"
BOOT = 1_795_942_000
CGROUPFS = f"9:name=systemd:/kubepods/burstable/pod{UID}/"
SYSTEMD = f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID}.slice/cri-containerd-"


def read(text: str) -> KubeletFacts:
    return parse(SectionAnswer("kubelet", text, "", 0))


def manifest(command: str, name: str = "kube-vip", containers: int = 1) -> str:
    listed = "".join(f"  - name: {name}\n    command: {command}\n" for _ in range(containers))
    text = f"kind: Pod\nmetadata:\n  name: {name}\n  namespace: kube-system\nspec:\n  containers:\n{listed}"
    return f"@manifest {name}.yaml\n" + "".join(f"| {line}\n" for line in text.splitlines())


def process(group: str, container: str, comm: str, ticks: int) -> str:
    stat = f"7 ({comm}) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {ticks} 0 0"
    return f"@process {group}{container} {stat}\n"


def log(attempt: int, count: int, began: int, text: str = "", name: str = "kube-vip") -> str:
    first = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    return f"@log kube-system_{name}-cp1_{UID} {name} {attempt} {count} {first}\n| {first} stderr F {text}\n"


def pod(*parts: str) -> StaticPodState:
    (state,) = read(f"@folder /m\n@boot {BOOT - 900} 100 {BOOT}\n{''.join(parts)}").static_pods
    return state


@pytest.mark.parametrize("group", [CGROUPFS, SYSTEMD])
@pytest.mark.parametrize(
    ("command", "processes", "running"),
    [
        ("[/kube-vip]", (("a", "pause"), ("b", "kube-vip")), True),
        ("[/kube-vip]", (("b", "kube-vip"),), True),
        ("[/kube-vip]", (("a", "sh"),), False),
        ("[kube-controller-manager]", (("a", "pause"), ("b", "kube-controller")), True),
        ("[]", (("a", "pause"), ("b", "haproxy")), True),
        ("[]", (("a", "pause"),), False),
        ("[sh, -c, exec serve]", (("a", "pause"), ("b", "serve")), True),
        ("[]", (), False),
    ],
)
def test_a_pod_runs_when_a_process_beside_its_sandbox_does(
    group: str, command: str, processes: tuple[tuple[str, str], ...], running: bool
) -> None:
    alive = "".join(process(group, container, comm, 90_000) for container, comm in processes)
    state = pod(manifest(command), log(0, BOOT + 5, BOOT), alive)
    assert (state.running, state.started_at is not None) == (running, running)


def test_the_newest_attempt_that_ended_gives_the_log() -> None:
    looping = pod(
        manifest("[/kube-vip]"), log(4, BOOT + 300, BOOT + 299, "panic: no lease"), log(3, BOOT + 200, BOOT + 199)
    )
    assert (looping.attempt, looping.log, looping.restart_interval_s) == (4, ("panic: no lease",), 100.0)
    assert looping.ended_at == datetime.fromtimestamp(BOOT + 300, UTC)
    assert looping.ran_s == pytest.approx(0.9)
    second = pod(
        manifest("[/kube-vip]"),
        log(4, BOOT + 300, BOOT + 299, "starting"),
        log(3, BOOT + 200, BOOT + 199, "panic: no lease"),
        process(CGROUPFS, "b", "kube-vip", 90_000),
    )
    assert (second.running, second.log) == (True, ("panic: no lease",))


def test_a_log_from_before_the_host_started_ended_no_attempt() -> None:
    state = pod(manifest("[/kube-vip]"), log(1, BOOT - 50, BOOT - 500, "received signal; shutting down"))
    assert (state.running, state.ended_at, state.log) == (False, None, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: [", "it is not valid YAML: "),
        ("kind: List", "it contains no object of kind Pod with a name"),
        ('{"kind": "Pod", "metadata": {"name": "x"}}', "it has no containers"),
        ("", "it contains no object of kind Pod with a name"),
    ],
)
def test_files_that_are_no_pod(text: str, problem: str) -> None:
    (state,) = read(f"@manifest x\n| {text}").static_pods
    assert state.problem.startswith(problem)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ('| disabled_plugins = ["cri"]', ContainerdConfig(("cri",))),
        ("| disabled_plugins = ['io.containerd.grpc.v1.cri']", ContainerdConfig(("io.containerd.grpc.v1.cri",))),
        (
            '|     SystemdCgroup = true\n|  sandbox = "registry.k8s.io/pause:3.10"',
            ContainerdConfig((), True, "registry.k8s.io/pause:3.10"),
        ),
        ('| imports = ["/etc/containerd/conf.d/*.toml"]\n| SystemdCgroup = false', ContainerdConfig()),
        ("", ContainerdConfig()),
    ],
)
def test_containerds_settings(text: str, config: ContainerdConfig) -> None:
    result = read(f"@folder /m\n@containerd\n{text}").containerd
    assert result == config
    assert result is not None
    assert result.cri_disabled == bool(config.disabled_plugins)


def test_flags_win_over_the_configuration() -> None:
    facts = read("@driver cgroupfs\n@endpoint unix:///run/crio/crio.sock\n@flag --cgroup-driver=systemd\n@folder /m")
    assert (facts.cgroup_driver, facts.runtime_endpoint) == ("systemd", "unix:///run/crio/crio.sock")


def test_a_host_that_writes_nothing_is_an_error() -> None:
    with pytest.raises(ProbeError, match="returned no output"):
        read("")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("@swap-refusal\n", False),
        ("@swap-refusal true\n", False),
        ("@swap-refusal false\n", True),
        ("@swap-refusal false\n@flag --fail-swap-on=true\n", False),
        ("@swap-refusal true\n@flag --fail-swap-on=false\n", True),
    ],
)
def test_a_flag_overrides_whether_swap_is_allowed(text: str, allowed: bool) -> None:
    facts = read(f"@folder /m\n{text}@swap /dev/sda2\n@swap /swap.img\n")
    assert (facts.fail_swap_on, facts.swaps) == (not allowed, ("/dev/sda2", "/swap.img"))


@pytest.mark.parametrize(
    ("text", "renews"),
    [("@renewal\n", None), ("@renewal true\n", True), ("@renewal true\n@flag --rotate-certificates=false\n", False)],
)
def test_whether_kubelet_renews_its_certificate(text: str, renews: bool | None) -> None:
    assert read(f"@folder /m\n{text}").rotates_certificates is renews


def test_the_processes_that_listen_on_ports() -> None:
    """As iproute2 6.1 prints them, to root and to others."""
    lines = (
        'LISTEN 0      5            0.0.0.0:6443       0.0.0.0:*    users:(("socat",pid=9110,fd=5))',
        'LISTEN 0      4096               *:10250            *:*    users:(("kubelet",pid=771,fd=15),("x",pid=2,fd=1))',
        "LISTEN 0      128             [::]:22            [::]:*",
        "State Recv-Q Send-Q Local Address:Port",
        "LISTEN 0 128 /run/socket *",
    )
    facts = read("@folder /m\n" + "".join(f"@listener {line}\n" for line in lines))
    assert facts.listeners == (
        Listener(6443, "0.0.0.0", "socat", 9110),
        Listener(10250, "*", "kubelet", 771),
        Listener(22, "[::]"),
    )
    assert [str(one) for one in facts.listeners] == ["socat (PID 9110)", "kubelet (PID 771)", "another process"]
