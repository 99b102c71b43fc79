"""kubelet's script on folders that look like a host's, with each shell's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.model.kubelet import KubeletFacts
from haconsole.model.system import Listener
from haconsole.probes.hosts import kubelet
from haconsole.probes.script import SectionAnswer

UID = "15cdaf28f1b68e2917e3f5b90a57a0d6"
POD = f"kube-system_kube-scheduler-cp1_{UID}"
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: kube-scheduler, namespace: kube-system}
spec: {containers: [{name: kube-scheduler, command: [kube-scheduler]}]}
"""
CONTAINERD = """\
disabled_plugins = []
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "pause:3.2"
  SystemdCgroup = true
"""
BUSYBOX = ("awk", "cat", "find", "getconf", "grep", "head", "ls", "sed", "sort", "stat", "tail", "timeout", "tr")
AT = "2026-11-29T10:00:0"


@dataclass(frozen=True)
class Host:
    """A folder with what the script reads, and the shell that runs it."""

    root: Path
    shell: tuple[str, ...]

    def write(self, path: str, text: str, at: float = 1_700_000_000) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (at, at))

    def facts(self) -> KubeletFacts:
        body = kubelet.section().body
        for path in (
            "/var/log/",
            "/var/lib/containerd",
            "/etc/containerd",
            "/var/lib/kubelet",
            "/etc/default",
            "/etc/sysconfig",
            "/etc/kubernetes",
            "/proc",
        ):
            body = body.replace(path, f"{self.root}{path}")
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "LC_ALL": "C"}
        result = subprocess.run((*self.shell, "-c", body), capture_output=True, text=True, env=environment, check=True)
        assert result.stderr == ""
        return kubelet.parse(SectionAnswer("kubelet", result.stdout, "", 0))


@pytest.fixture(params=["sh", "busybox"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """A control plane without kubelet's process, whose programs are the machine's or busybox's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("pidof", "systemctl", "journalctl"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    if request.param == "busybox":
        busybox = shutil.which("busybox")
        assert busybox is not None
        for name in BUSYBOX:
            (programs / name).symlink_to(busybox)
    result = Host(tmp_path, ("sh",) if request.param == "sh" else ("busybox", "ash"))
    result.write("var/lib/kubelet/kubeadm-flags.env", 'KUBELET_KUBEADM_ARGS="--v=2"\n')
    result.write("var/lib/kubelet/config.yaml", f"cgroupDriver: cgroupfs\nstaticPodPath: {tmp_path}/manifests\n")
    result.write("manifests/kube-scheduler.yaml", MANIFEST)
    result.write("proc/stat", "cpu 1\nbtime 1600000000\n")
    result.write("proc/1/stat", "1 (systemd) S 0\n", 1_650_000_000)
    os.utime(tmp_path / "proc/1", (1_650_000_000,) * 2)
    return result


def log_of(host: Host, number: int, *texts: str, at: float = 1_700_000_000) -> None:
    lines = (f"{AT}{number % 10}.5Z stderr F {text}\n" for text in texts)
    host.write(f"var/log/pods/{POD}/kube-scheduler/{number}.log", "".join(lines), at)


def test_the_settings_come_from_files_while_kubelet_does_not_run(host: Host) -> None:
    drop_ins = host.root / "conf"
    host.write("var/lib/kubelet/kubeadm-flags.env", f'KUBELET_KUBEADM_ARGS="--config-dir={drop_ins} --v=2"\n')
    host.write("conf/10.conf", "cgroupDriver: other\n")
    host.write("conf/20.conf", '{"cgroupDriver": "systemd", "containerRuntimeEndpoint": "unix:///run/c.sock"}\n')
    facts = host.facts()
    assert facts.flags == (f"--config-dir={drop_ins}", "--v=2")
    assert facts.static_pod_folder == f"{host.root}/manifests"
    assert facts.cgroup_driver == "systemd"


def test_swap_and_what_kubeadm_left_are_read_without_a_process(host: Host) -> None:
    assert (host.facts().swaps, host.facts().kubeadm_files) == ((), ())
    host.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1024 0 -2\n")
    host.write("var/lib/kubelet/config.yaml", "failSwapOn: false\nrotateCertificates: true\n")
    for name in ("kubelet.conf", "bootstrap-kubelet.conf", "other.conf"):
        host.write(f"etc/kubernetes/{name}", "")
    facts = host.facts()
    assert (facts.swaps, facts.fail_swap_on, facts.rotates_certificates) == (("/dev/sda2",), False, True)
    assert [path.rpartition("/")[2] for path in facts.kubeadm_files] == ["kubelet.conf", "bootstrap-kubelet.conf"]


def test_listening_ports_are_read_only_for_a_log_with_a_port_in_use(host: Host) -> None:
    host.write("bin/ss", "#!/bin/sh\necho 'LISTEN 0 5 0.0.0.0:10259 0.0.0.0:* users:((\"socat\",pid=7,fd=5))'\n")
    (host.root / "bin/ss").chmod(0o755)
    log_of(host, 0, "no such flag")
    assert host.facts().listeners == ()
    log_of(host, 1, "listen tcp 0.0.0.0:10259: bind: address already in use")
    assert host.facts().listeners == (Listener(10259, "0.0.0.0", "socat", 7),)


def test_the_last_of_two_equal_flags_counts(host: Host) -> None:
    host.write("etc/default/kubelet", "KUBELET_EXTRA_ARGS=--pod-manifest-path=/one --pod-manifest-path=/two\n")
    assert host.facts().static_pod_folder == "/two"


def test_the_two_newest_logs_show_a_crash_loop(host: Host) -> None:
    log_of(host, 9, "first", at=1_700_000_000)
    log_of(host, 10, "starting", "E1129 10:00:00.1 1 main.go:1] no such flag", "bye", at=1_700_000_010)
    log_of(host, 2, "long ago", at=1_600_000_100)
    (pod,) = host.facts().static_pods
    assert (pod.running, pod.attempt) == (False, 10)
    assert pod.log == ("main.go:1] no such flag",)
    assert pod.ended_at == datetime.fromtimestamp(1_700_000_010, UTC)
    assert pod.restart_interval_s == pytest.approx(-9.0)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ('{"Version":"v1","StartedAt":5,"FinishedAt":1796072834264854517,"ExitCode":137,"Reason":"Error"}', 137),
        ('{"Version":"v1","StartedAt":5,"FinishedAt":1796072834264854517,"ExitCode":0,"Reason":"Completed"}', 0),
        ('{"Version":"v1","StartedAt":5,"FinishedAt":0,"ExitCode":0,"Reason":""}', None),
        ("", None),
    ],
)
def test_the_exit_status_is_that_of_the_newest_attempt_that_ended(host: Host, state: str, status: int | None) -> None:
    containers = "var/lib/containerd/io.containerd.grpc.v1.cri/containers"
    links = host.root / "var/log/containers"
    links.mkdir(parents=True)
    for number, text in ((2, '{"FinishedAt":7,"ExitCode":99,"Reason":"Error"}'), (3, state)):
        log_of(host, number, "bye")
        name = f"kube-scheduler-cp1_kube-system_kube-scheduler-{number}aef.log"
        (links / name).symlink_to(host.root / f"var/log/pods/{POD}/kube-scheduler/{number}.log")
        host.write(f"{containers}/{number}aef/status", text)
    (pod,) = host.facts().static_pods
    assert (pod.attempt, pod.exit_status) == (3, status)


def test_the_time_of_a_manifest_is_that_of_its_move_into_the_folder(host: Host) -> None:
    """`mv` and `cp -p` keep the time of the last change of its text."""
    (pod,) = host.facts().static_pods
    assert pod.placed_at is not None
    assert abs((datetime.now(UTC) - pod.placed_at).total_seconds()) < 60


def test_a_log_without_errors_gives_its_last_lines(host: Host) -> None:
    log_of(host, 0, "one", "two", "three", "four")
    (pod,) = host.facts().static_pods
    assert pod.log == ("two", "three", "four")


def test_pods_of_the_api_are_not_read(host: Host) -> None:
    host.write("var/log/pods/default_app_11111111-2222-3333-4444-555555555555/app/0.log", "x\n")
    assert host.facts().static_pods[0].attempt == 0


def test_a_refused_certificate_is_the_reason_although_it_is_a_warning(host: Host) -> None:
    refused = (
        "W1130 17:39:20.1 1 logging.go:55] [core] grpc: addrConn.createTransport failed to connect. Err: connection "
        'error: desc = "transport: authentication handshake failed: tls: failed to verify certificate: x509: '
        'certificate signed by unknown authority"'
    )
    empty = "E1130 17:38:42.7 1 options.go:205] The manifest file is empty, ignoring."
    end = 'E1130 17:39:02.7 1 run.go:72] "command failed" err="context deadline exceeded"'
    log_of(host, 0, empty, refused, "W1130 17:39:01.0 1 a.go:1] slow", end)
    (pod,) = host.facts().static_pods
    assert [("x509: " in line, "deadline" in line) for line in pod.log] == [(True, False), (False, True)]


def test_a_line_of_etcd_is_its_message_and_error(host: Host) -> None:
    """Its stack trace makes the line longer than what is read."""
    closed = '{"level":"error","msg":"serving failed.","error":"accept tcp a:2379: use of closed network connection"}'
    wrong = '{"level":"fatal","caller":"a.go:9","msg":"discovery failed","error":"open \\"x\\": denied","stacktrace":"'
    log_of(host, 0, wrong + "x" * 700 + '"}', closed)
    (pod,) = host.facts().static_pods
    assert pod.log == ('fatal: discovery failed: open "x": denied',)


def test_etcds_line_for_every_request_is_no_reason(host: Host) -> None:
    log_of(host, 0, "one", "two", *('{"level":"warn","msg":"request stats"}',) * 5)
    assert host.facts().static_pods[0].log == ("one", "two")


def test_every_file_in_the_folder_is_a_manifest(host: Host) -> None:
    host.write("manifests/etcd.yaml.bak", "- no pod\n")
    host.write("manifests/empty", "")
    assert [(pod.file, bool(pod.problem)) for pod in host.facts().static_pods] == [
        ("empty", True), ("etcd.yaml.bak", True), ("kube-scheduler.yaml", False)
    ]  # fmt: skip


def test_the_processes_of_a_pod_are_found_by_control_groups(host: Host) -> None:
    log_of(host, 0, "started")
    host.write("proc/7/cgroup", f"0::/kubepods.slice/kubepods-pod{UID}.slice/cri-containerd-77.scope\n")
    host.write("proc/7/stat", "7 (kube-scheduler) S 1 7 7 0 -1 4194560 9 0 0 0 55 23 0 0 20 0 12 0 1000 1 1\n")
    (pod,) = host.facts().static_pods
    assert (pod.running, pod.log) == (True, ())


def test_containerds_configuration_and_the_journals_errors(host: Host) -> None:
    host.write("etc/containerd/config.toml", CONTAINERD)
    lines = [f"170000{number:04d}.5 cp1 kubelet[1]: E1129 10:00:00 1 a.go:1] error in pod x" for number in range(50)]
    lines += ["1700009000.5 cp1 kubelet[1]: perf_event error", "1700009001.5 cp1 kubelet[1]: I1129 fine"]
    absent = 'E1130 17:29:08 549 file_linux.go:59] "Unable to read config path" err="path does not exist, ignoring"'
    lines += [f"170000{number:04d}.5 w1 kubelet[549]: {absent}" for number in range(9100, 9150)]
    (host.root / "bin" / "journalctl").write_text("#!/bin/sh\ncat <<'END'\n{}\nEND\n".format("\n".join(lines)))
    facts = host.facts()
    assert facts.containerd is not None
    assert (facts.containerd.systemd_cgroup, facts.containerd.sandbox_image) == (True, "pause:3.2")
    (error,) = facts.errors
    assert error.text.endswith("error in pod x")
    assert error.at == datetime.fromtimestamp(1_700_000_049, UTC)


@pytest.mark.parametrize("host", ["sh"], indirect=True)
def test_more_files_start_no_more_programs(host: Host) -> None:
    """Each program is one start for all files, because a status of a cluster waits for this script."""
    calls = host.root / "calls"
    for name in BUSYBOX:
        wrapper = host.root / "bin" / name
        wrapper.write_text(f'#!/bin/sh\necho {name} >>{calls}\nexec {shutil.which(name)} "$@"\n')
        wrapper.chmod(0o755)
    log_of(host, 0, "one")
    host.facts()
    few = sorted(calls.read_text().split())
    calls.unlink()
    for number in range(1, 9):
        log_of(host, number, "Error: x")
        host.write(f"manifests/{number}.yaml", MANIFEST)
        host.write(f"var/log/pods/kube-system_pod{number}-cp1_{UID}/one/0.log", "x\n")
    host.facts()
    assert sorted(calls.read_text().split()) == few
