"""The scripts of prepare, run on folders and with programs that note their calls, under dash and busybox ash."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from haconsole.actions.repair_programs import LIMITS
from haconsole.scripts import load_script

pytestmark = pytest.mark.usefixtures("posix_shell")


class Place:
    """A folder for the files of a host; its programs append their calls to a list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        (folder / "bin").mkdir()

    def file(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def program(self, name: str, body: str = "") -> None:
        path = self.file(f"bin/{name}", f'#!/bin/sh\necho "{name} $*" >>{self.log}\n{body}\n')
        path.chmod(0o755)

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        places = {"HACONSOLE_ETC": "etc", "HACONSOLE_PROC": "proc", "HACONSOLE_ROOT": ""}
        environment = {key: str(self.folder / path) for key, path in places.items()}
        environment["PATH"] = f"{self.folder}/bin:{os.environ['PATH']}"
        argv = ("sh", "-ec", load_script(name), name, *words)
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=20, check=False)

    def output_of(self, name: str, *words: str) -> str:
        result = self.run(name, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def calls(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


FSTAB = "# disks\nUUID=1 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\n\t/swap.img\tnone\tswap\tsw\t0\t0\n"
UNIT = "dev-dm\\x2d1.swap"


def test_swap_is_turned_off_and_restored_as_it_was(place: Place) -> None:
    fstab, swaps = place.file("etc/fstab", FSTAB), place.file("proc/swaps", "Filename\n/dev/sda2\n")
    place.program(
        "systemctl", f"case $1 in list-units) echo '{UNIT} loaded active active' ;; is-enabled) exit 1 ;; esac"
    )
    place.program("swapoff")
    place.program("swapon")
    record = str(place.folder / "state/swap.units")
    assert place.run("check-swap-off").returncode == 1
    place.output_of("swap-off", record)
    swaps.write_text("Filename\n")
    place.output_of("check-swap-off")
    assert f"systemctl mask --quiet -- {UNIT}" in place.calls()
    after = fstab.read_text()
    assert after.startswith("# disks\nUUID=1 / ext4 defaults 0 1\n# haconsole: swap is off: /dev/sda2")
    place.output_of("swap-off", record)
    assert fstab.read_text() == after
    assert place.calls()[-1] == "systemctl daemon-reload"
    place.output_of("swap-restore", record)
    assert fstab.read_text() == FSTAB
    assert {f"systemctl unmask --quiet -- {UNIT}", "swapon -a"} <= set(place.calls())
    assert place.run("check-swap-off").returncode == 1
    place.output_of("swap-restore", record)
    assert place.calls() == []


DEBIAN = """version = 2
[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "registry.k8s.io/pause:3.6" # the default
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/net.d"
    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
      endpoint = ["https://mirror.example.org"]
"""
CRI = "io.containerd.grpc.v1.cri"


def containerd(place: Place, driver: str = "systemd", image: str = "r/pause:1", cni: str = "") -> dict[str, object]:
    config, backup = str(place.folder / "etc/containerd/config.toml"), str(place.folder / "state/containerd.toml")
    place.output_of("containerd-configure", config, backup, driver, image, cni)
    return tomllib.loads(Path(config).read_text())


def plugins(config: dict[str, object], name: str = CRI) -> dict[str, object]:
    result = config["plugins"]
    assert isinstance(result, dict)
    plugin = result[name]
    assert isinstance(plugin, dict)
    return plugin


def test_the_folder_of_cni_plug_ins_is_found(runtime: Place) -> None:
    path = runtime.file("etc/containerd/config.toml", DEBIAN)
    dump = 'bin_dir = "/usr/lib/cni"\n  sandbox_image = "r/pause:1"\n  SystemdCgroup = true'
    runtime.program("containerd", f"echo '{dump}'")
    check = ("check-containerd", str(path), "systemd", "r/pause:1", "-")
    runtime.output_of(*check)
    assert plugins(containerd(runtime, cni="-"))["cni"] == {"bin_dir": "/usr/lib/cni", "conf_dir": "/etc/cni/net.d"}
    runtime.file("opt/cni/bin/loopback", "").chmod(0o755)
    assert runtime.run(*check).stderr == "it does not look for CNI plug-ins in /opt/cni/bin\n"
    assert plugins(containerd(runtime, cni="-"))["cni"] == {"bin_dir": "/opt/cni/bin", "conf_dir": "/etc/cni/net.d"}
    runtime.file("usr/lib/cni/loopback", "").chmod(0o755)
    runtime.output_of(*check)


@pytest.fixture
def runtime(place: Place) -> Place:
    place.program("containerd")
    place.program("systemctl", "case $1 in is-active) echo active ;; is-enabled) echo enabled ;; esac")
    return place


def test_a_configuration_of_debian_is_corrected_and_everything_else_kept(runtime: Place) -> None:
    path = runtime.file("etc/containerd/config.toml", DEBIAN)
    cri = plugins(containerd(runtime, cni="/opt/cni/bin"))
    assert cri["sandbox_image"] == "r/pause:1"
    assert cri["cni"] == {"bin_dir": "/opt/cni/bin", "conf_dir": "/etc/cni/net.d"}
    assert cri["registry"] == {"mirrors": {"docker.io": {"endpoint": ["https://mirror.example.org"]}}}
    assert cri["containerd"] == {
        "runtimes": {"runc": {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": True}}}
    }
    once = path.read_text()
    runtime.calls()
    containerd(runtime, cni="/opt/cni/bin")
    assert path.read_text() == once
    assert "containerd" not in {call.partition(" ")[0] for call in runtime.calls()}
    runtime.output_of("containerd-restore", str(path), str(runtime.folder / "state/containerd.toml"))
    assert path.read_text() == DEBIAN
    assert runtime.calls() == ["systemctl restart containerd.service"]


def test_the_package_of_docker_has_its_cri_plugin_enabled(runtime: Place) -> None:
    runtime.file("etc/containerd/config.toml", 'disabled_plugins = ["cri"]\n\n#root = "/var/lib/containerd"\n')
    config = containerd(runtime, "cgroupfs", "")
    assert (config["version"], config["disabled_plugins"]) == (2, [])
    assert "sandbox_image" not in plugins(config)


def test_other_disabled_plugins_stay_disabled(runtime: Place) -> None:
    runtime.file("etc/containerd/config.toml", f'version = 2\ndisabled_plugins = ["a", "{CRI}", "b"]\n')
    assert containerd(runtime)["disabled_plugins"] == ["a", "b"]


def test_an_existing_value_is_replaced_and_a_missing_file_is_written_and_removed(runtime: Place) -> None:
    options_table = f'  [plugins."{CRI}".containerd.runtimes.runc.options]\n'
    table = f'[plugins."{CRI}".containerd.runtimes.runc]\n  runtime_type = "kept"\n{options_table}'
    path = runtime.file("etc/containerd/config.toml", f"version = 2\n{table}    SystemdCgroup = false\n    Root = 1\n")
    cri = plugins(containerd(runtime))
    options = {"SystemdCgroup": True, "Root": 1}
    assert cri["containerd"] == {"runtimes": {"runc": {"runtime_type": "kept", "options": options}}}
    path.unlink()
    for content in (runtime.folder / "state").iterdir():
        content.unlink()
    runtime.program(
        "systemctl", "case $1 in is-active) echo inactive; exit 3 ;; is-enabled) echo disabled; exit 1 ;; esac"
    )
    assert plugins(containerd(runtime))["sandbox_image"] == "r/pause:1"
    runtime.output_of("containerd-restore", str(path), str(runtime.folder / "state/containerd.toml"))
    assert not path.exists()
    assert runtime.calls()[-2:] == ["systemctl stop containerd.service", "systemctl disable --quiet containerd.service"]
    assert list((runtime.folder / "state").iterdir()) == []


def test_the_format_of_containerd_2_has_other_tables(runtime: Place) -> None:
    images, cri = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"
    text = (
        f"version = 3\n[plugins]\n  [plugins.'{images}']\n"
        f"    [plugins.'{images}'.pinned_images]\n      sandbox = 'old'\n"
        f"  [plugins.'{cri}'.containerd.runtimes.runc]\n    [plugins.'{cri}'.containerd.runtimes.runc.options]\n"
        "      SystemdCgroup = false\n"
    )
    runtime.file("etc/containerd/config.toml", text)
    config = containerd(runtime)
    assert plugins(config, images) == {"pinned_images": {"sandbox": "r/pause:1"}}
    assert plugins(config, cri) == {"containerd": {"runtimes": {"runc": {"options": {"SystemdCgroup": True}}}}}


def test_a_configuration_of_version_1_is_not_guessed(runtime: Place) -> None:
    text = '[plugins.cri]\n  sandbox_image = "x"\n'
    path = runtime.file("etc/containerd/config.toml", text)
    result = runtime.run("containerd-configure", str(path), str(runtime.folder / "b"), "systemd", "", "")
    assert result.returncode == 1
    assert "containerd config migrate" in result.stderr
    assert path.read_text() == text


def test_a_configuration_that_containerd_refuses_changes_nothing(runtime: Place) -> None:
    path = runtime.file("etc/containerd/config.toml", DEBIAN)
    runtime.program("containerd", "exit 1")
    assert runtime.run("containerd-configure", str(path), str(runtime.folder / "b"), "systemd", "", "").returncode == 1
    assert path.read_text() == DEBIAN


def test_the_check_of_containerd_reads_what_it_loads(place: Place) -> None:
    path = str(place.file("etc/containerd/config.toml", "version = 2\n"))
    dump = 'sandbox_image = "r/pause:1"\n  SystemdCgroup = true\n  bin_dir = "/opt/cni/bin"'
    place.program("containerd", f"echo '{dump}'")
    place.output_of("check-containerd", path, "systemd", "r/pause:1", "/opt/cni/bin")
    result = place.run("check-containerd", path, "cgroupfs", "r/pause:2", "/usr/lib/cni")
    assert result.stderr.splitlines() == [
        "its cgroup driver is not cgroupfs",
        "its sandbox image is not r/pause:2",
        "it does not look for CNI plug-ins in /usr/lib/cni",
    ]


NFT = """table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    tcp dport { 22, 6443 } accept
  }
}
"""


def test_rules_of_nftables_are_inserted_and_kept_for_the_next_start(place: Place) -> None:
    conf = place.file("etc/nftables.conf", NFT)
    place.program("nft", f'case "$*" in *list*) cat {conf} ;; *) cat >>{place.folder}/loaded ;; esac')
    place.output_of("firewall-open", "nftables", "2379/tcp", "vrrp")
    rules = [
        'insert rule inet filter input tcp dport 2379 accept comment "haconsole"',
        'insert rule inet filter input meta l4proto 112 accept comment "haconsole"',
    ]
    assert (place.folder / "loaded").read_text().splitlines() == rules
    assert conf.read_text() == NFT + "\n".join(("# haconsole: begin", *rules, "# haconsole: end\n"))
    place.output_of("firewall-open", "nftables", "2379/tcp", "vrrp")
    assert conf.read_text().count("# haconsole: begin") == 1
    place.output_of("check-firewall", "nftables", "22/tcp", "6443/tcp", "2379/tcp", "vrrp")
    place.output_of("firewall-close", "nftables", "2379/tcp", "vrrp")
    assert conf.read_text() == NFT
    result = place.run("check-firewall", "nftables", "22/tcp", "2379/tcp", "vrrp")
    assert result.stderr.splitlines() == ["2379/tcp is closed in nftables", "vrrp is closed in nftables"]


RULESET = """table inet filter {
\tchain input { # handle 1
\t\ttype filter hook input priority filter; policy accept;
\t\tip saddr 10.9.0.0/24 tcp dport { 2379, 2380 } accept # handle 2
\t\ttcp dport { 2379, 2380 } counter packets 0 bytes 0 drop # handle 3
\t\tudp dport 53 drop # handle 4
\t}
}
table ip other {
\tchain in { # handle 1
\t\tmeta l4proto vrrp drop # handle 2
\t}
}
"""


def test_the_clusters_hosts_are_accepted_before_rules_that_drop_a_port_and_no_rule_is_deleted(place: Place) -> None:
    ruleset = place.file("ruleset", RULESET)
    place.program("nft", f'case "$*" in *list*) cat {ruleset} ;; *) cat >{place.folder}/loaded ;; esac')
    loaded = place.folder / "loaded"
    for port in ("2379", "2380", "vrrp"):
        assert place.run("accept-cluster", "blocked", port).returncode == 0
        assert place.run("accept-cluster", "open", port).returncode == 1
    for port in ("53", "238", "79", "6443"):
        assert place.run("accept-cluster", "blocked", port).returncode == 1
        assert place.run("accept-cluster", "open", port).returncode == 0
        assert place.run("accept-cluster", "accepted", port).returncode == 1, "no repair is done where nothing drops it"
    place.output_of("accept-cluster", "accept", "2380", "127.0.0.1", "10.9.0.11", "fd00::11")
    mark = 'accept comment "haconsole: cluster 2380"'
    assert loaded.read_text().splitlines() == [
        f"insert rule inet filter input ip saddr {{ 127.0.0.1, 10.9.0.11 }} tcp dport 2380 {mark}",
        f"insert rule inet filter input ip6 saddr {{ fd00::11 }} tcp dport 2380 {mark}",
    ]
    place.output_of("accept-cluster", "accept", "vrrp", "127.0.0.1")
    assert loaded.read_text().startswith("insert rule ip other in ip saddr { 127.0.0.1 } meta l4proto 112 accept")
    own = f"\t\tip saddr 10.9.0.11 tcp dport 2380 {mark} # handle 7\n"
    ruleset.write_text(RULESET.replace("\t\tip saddr", f"{own}\t\tip saddr", 1))
    assert place.run("accept-cluster", "open", "2380").returncode == 0
    assert place.run("accept-cluster", "accepted", "2380").returncode == 0
    assert place.run("accept-cluster", "undone", "2380").returncode == 1
    assert place.run("accept-cluster", "undone", "2379").returncode == 0
    place.output_of("accept-cluster", "accept", "2380", "127.0.0.1")
    assert loaded.read_text() == ""
    place.output_of("accept-cluster", "undo", "2380")
    assert loaded.read_text() == "delete rule inet filter input handle 7\n"


def test_a_route_that_drops_packets_is_removed_and_added_again(place: Place) -> None:
    place.program("ip", "case $* in *show*) echo 'blackhole 10.9.0.13 proto static' ;; esac")
    (place.folder / "run").mkdir()
    assert place.run("drop-route", "some", "10.9.0.13").returncode == 0
    assert place.run("drop-route", "none", "10.9.0.13").returncode == 1
    place.output_of("drop-route", "remove", "10.9.0.13")
    place.output_of("drop-route", "back", "10.9.0.13")
    assert [call for call in place.calls() if " route " in call and "show" not in call] == [
        "ip -4 route del blackhole 10.9.0.13",
        "ip -4 route add blackhole 10.9.0.13",
    ]
    place.program("ip", "echo '10.9.0.13 via 10.9.0.1 dev eth0'")
    assert place.run("drop-route", "some", "10.9.0.13").returncode == 1
    assert place.run("drop-route", "none", "10.9.0.13").returncode == 0


CLOSED = """table inet filter {
\tchain input { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept # handle 2
\t\ttcp dport { 22, 6443 } accept # handle 3
\t}
\tchain forward { # handle 4
\t\ttype filter hook forward priority filter; policy drop;
\t}
\tchain output { # handle 5
\t\ttype filter hook output priority filter; policy accept;
\t}
}
"""


def test_a_chain_that_accepts_only_what_it_names_drops_all_other_ports(place: Place) -> None:
    ruleset = place.file("ruleset", CLOSED)
    place.program("nft", f'case "$*" in *list*) cat {ruleset} ;; *) cat >{place.folder}/loaded ;; esac')
    assert place.run("accept-cluster", "blocked", "2380").returncode == 0
    assert place.run("accept-cluster", "blocked", "vrrp").returncode == 0
    assert place.run("accept-cluster", "blocked", "6443").returncode == 1
    place.output_of("accept-cluster", "accept", "2380", "10.9.0.11")
    lines = (place.folder / "loaded").read_text().splitlines()
    assert [line.partition(" ip saddr")[0] for line in lines] == ["insert rule inet filter input"]
    ruleset.write_text(CLOSED.replace("policy drop;\n\t\tct", "policy accept;\n\t\tct"))
    assert place.run("accept-cluster", "blocked", "2380").returncode == 1
    ruleset.write_text(ruleset.read_text().replace("accept # handle 3\n", "accept # handle 3\n\t\treject # handle 9\n"))
    assert place.run("accept-cluster", "blocked", "2380").returncode == 0
    assert place.run("accept-cluster", "blocked", "6443").returncode == 1


def test_only_drop_ins_that_set_nothing_but_limits_are_renamed(place: Place) -> None:
    folder = "etc/systemd/system/etcd.service.d"
    limit = place.file(f"{folder}/cpu.conf", "[Service]\n# slow\nCPUQuota=5%\nMemoryMax=1G\n")
    other = place.file(f"{folder}/proxy.conf", "[Service]\nEnvironment=A=b\n")
    words = ("etcd.service", "kept", LIMITS)
    assert place.run("rename-drop-ins", "mixed", *words).returncode == 0
    place.output_of("rename-drop-ins", "rename", *words)
    assert (limit.exists(), other.exists()) == (False, True)
    place.output_of("rename-drop-ins", "back", *words)
    assert limit.exists()
    place.file(f"{folder}/mixed.conf", "[Service]\nCPUQuota=5%\nEnvironment=A=b\n")
    assert "mixed.conf has other settings too" in place.run("rename-drop-ins", "mixed", *words).stderr
    place.output_of("rename-drop-ins", "rename", *words)
    assert (place.folder / folder / "mixed.conf").exists()


def test_drop_ins_of_an_administrator_are_renamed_and_back_and_haconsoles_own_stay(place: Place) -> None:
    folder = "etc/systemd/system/keepalived.service.d"
    own = place.file(f"{folder}/haconsole.conf", "# haconsole: cluster lab\n[Service]\n")
    other = place.file(f"{folder}/limits.conf", "[Service]\nCPUQuota=5%\n")
    words = ("keepalived.service", "kept")
    assert place.run("rename-drop-ins", "some", *words).returncode == 0
    place.output_of("rename-drop-ins", "rename", *words)
    assert (own.exists(), other.exists()) == (True, False)
    assert place.run("rename-drop-ins", "some", *words).returncode == 1
    assert place.run("rename-drop-ins", "none", *words).returncode == 0
    place.output_of("rename-drop-ins", "back", *words)
    assert other.read_text() == "[Service]\nCPUQuota=5%\n"


SSHD = """\
folder=$HACONSOLE_ROOT/etc/ssh/sshd_config.d
case $1 in -T) cat $folder/*.conf | awk '$1 == "MaxSessions" && !seen { seen = 1; print "maxsessions", $2 }' ;; esac
[ ! -e $HACONSOLE_ROOT/broken ] || [ "$1" = -T ]
"""


def test_sshds_sessions_are_raised_by_a_file_that_is_read_first(place: Place) -> None:
    own = place.folder / "etc/ssh/sshd_config.d/00-haconsole.conf"
    place.file("etc/ssh/sshd_config.d/site.conf", "MaxSessions 1\n")
    place.program("sshd", SSHD)
    place.program("systemctl")
    assert place.run("ssh-sessions", "few", "10").returncode == 0
    assert place.run("ssh-sessions", "enough", "10").returncode == 1
    place.output_of("ssh-sessions", "allow", "10")
    assert place.run("ssh-sessions", "enough", "10").returncode == 0
    assert "systemctl reload ssh" in place.calls()
    place.output_of("ssh-sessions", "undo", "10")
    assert not own.exists()
    place.file("broken", "")
    assert place.run("ssh-sessions", "allow", "10").returncode == 1
    assert not own.exists(), "sshd refused its configuration, so nothing of it is left"


def test_commands_for_firewalld_and_ufw(place: Place) -> None:
    place.program("firewall-cmd")
    place.program("ufw")
    place.output_of("firewall-open", "firewalld", "6443/tcp", "vrrp")
    rich = '--add-rich-rule=rule protocol value="vrrp" accept'
    assert place.calls() == [
        "firewall-cmd --quiet --add-port=6443/tcp",
        "firewall-cmd --quiet --permanent --add-port=6443/tcp",
        f"firewall-cmd --quiet {rich}",
        f"firewall-cmd --quiet --permanent {rich}",
    ]
    place.output_of("firewall-close", "firewalld", "6443/tcp")
    assert place.calls()[1] == "firewall-cmd --quiet --permanent --remove-port=6443/tcp"
    place.output_of("firewall-open", "ufw", "30000-32767/tcp")
    assert place.calls() == ["ufw allow 30000:32767/tcp comment haconsole"]
    place.program("ufw", "printf '6443/tcp  ALLOW  Anywhere\\n30000:32767/tcp ALLOW Anywhere\\n'")
    place.output_of("check-firewall", "ufw", "6443/tcp", "30000-32767/tcp")
    assert place.run("check-firewall", "ufw", "2379/tcp").returncode == 1
    place.program("firewall-cmd", "echo '6443/tcp 10250/tcp'")
    place.output_of("check-firewall", "firewalld", "10250/tcp")
    assert place.run("check-firewall", "firewalld", "250/tcp").returncode == 1


def test_selinux_is_permissive_after_a_reboot_too(place: Place) -> None:
    config = place.file("etc/selinux/config", "# SELINUX= is one of\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
    place.program("setenforce")
    place.program("getenforce", "echo Permissive")
    assert place.run("check-selinux").returncode == 1
    place.output_of("selinux-mode", "permissive")
    assert config.read_text() == "# SELINUX= is one of\nSELINUX=permissive\nSELINUXTYPE=targeted\n"
    place.output_of("check-selinux")
    place.output_of("selinux-mode", "enforcing")
    assert "\nSELINUX=enforcing\n" in config.read_text()


def apt_host(place: Place, after: str) -> None:
    """A host whose apt-get installs `after`; its units are enabled by that."""
    state = place.file("dpkg", "ii  base\n")
    place.program("dpkg-query", f"cat {state}")
    place.program("apt-get", f"case $* in *install*) printf '{after}' >>{state}; touch {place.folder}/enabled ;; esac")
    units = f"echo 'ssh.service enabled'; [ ! -e {place.folder}/enabled ] || echo 'etcd.service enabled'"
    place.program("systemctl", f"case $1 in list-unit-files) {units} ;; esac")
    (place.folder / "usr/sbin").mkdir(parents=True)


def test_packages_are_installed_without_starts_and_recorded(place: Place) -> None:
    apt_host(place, "ii  etcd-server\\nhi  libfoo\\nrc  gone\\n")
    record = place.folder / "state/packages.added"
    place.output_of("prepare-packages", "apt", str(record), "yes", "-", "etcd-server=3.5*")
    assert record.read_text().split() == ["etcd-server", "libfoo"]
    calls = place.calls()
    assert "apt-get -q -o DPkg::Lock::Timeout=120 update" in calls
    assert any(call.endswith("--no-install-recommends install etcd-server=3.5*") for call in calls)
    assert "systemctl disable --quiet -- etcd.service" in calls
    assert not (place.folder / "usr/sbin/policy-rc.d").exists()
    assert not Path(f"{record}.before").exists()


def test_package_files_are_named_by_their_paths(place: Place) -> None:
    apt_host(place, "")
    place.file("files/kubelet_1.deb", "")
    place.output_of("prepare-packages", "apt", str(place.folder / "r"), "no", str(place.folder / "files"), "kubelet")
    install = next(call for call in place.calls() if " install " in call)
    assert install.endswith(f"install {place.folder}/files/kubelet_1.deb kubelet")
    place.program("rpm", "echo base")
    place.program("dnf")
    place.file("files/kubelet-1.rpm", "")
    place.output_of(
        "prepare-packages", "dnf", str(place.folder / "r"), "no", str(place.folder / "files"), "kubelet-1.31.4"
    )
    install = next(call for call in place.calls() if call.startswith("dnf"))
    assert install == (
        "dnf -y --setopt=install_weak_deps=False --disableexcludes=all install "
        f"{place.folder}/files/kubelet-1.rpm kubelet-1.31.4"
    )


def test_only_a_package_whose_program_is_gone_is_installed_again(place: Place) -> None:
    apt_host(place, "ii  etcd-server\\n")
    place.output_of("prepare-packages", "apt", str(place.folder / "r"), "no", "-", "etcd-server", "base")
    calls = [call for call in place.calls() if "--reinstall" in call]
    assert calls == ["apt-get -qy -o DPkg::Lock::Timeout=120 --reinstall install base"]
    assert (place.folder / "r").read_text().split() == ["etcd-server"]


def test_a_package_whose_program_is_gone_comes_from_the_package_files(place: Place) -> None:
    apt_host(place, "")
    for name in ("base", "kubelet"):
        place.file(f"files/{name}.deb", "")
    place.program("dpkg-deb", 'name=${2##*/}; echo "${name%.deb}"')
    place.output_of("prepare-packages", "apt", str(place.folder / "r"), "no", str(place.folder / "files"), "base")
    (last,) = (call for call in place.calls() if "--reinstall" in call)
    assert last.endswith(f"--reinstall install {place.folder}/files/base.deb")


def test_dnf_installs_a_package_again_whose_program_is_gone(place: Place) -> None:
    place.program("rpm", "echo iproute")
    place.program("dnf")
    place.output_of("prepare-packages", "dnf", str(place.folder / "r"), "no", "-", "iproute", "openssl")
    (last,) = (call for call in place.calls() if " reinstall " in call)
    assert last == "dnf -y --disableexcludes=all reinstall iproute"


def test_a_failed_installation_is_recorded_too_and_ends_with_its_status(place: Place) -> None:
    apt_host(place, "")
    place.program("apt-get", f"printf 'ii  half\\n' >>{place.folder}/dpkg; exit 100")
    result = place.run("prepare-packages", "apt", str(place.folder / "state/added"), "no", "-", "etcd-server")
    assert result.returncode == 100
    assert (place.folder / "state/added").read_text() == "half\n"
    assert not (place.folder / "usr/sbin/policy-rc.d").exists()


def test_a_policy_of_the_site_is_kept(place: Place) -> None:
    apt_host(place, "")
    policy = place.file("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n")
    place.output_of("prepare-packages", "apt", str(place.folder / "state/added"), "no", "-", "etcd-server")
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_added_packages_are_removed_unless_others_depend_on_them(place: Place) -> None:
    record = place.file("state/added", "etcd-server\nlibfoo\n")
    place.program("dpkg-query", "echo -n installed")
    place.program("apt-get", "case $* in *-qs*) echo 'Remv etcd-server [1]'; echo 'Remv backup-tool [1]' ;; esac")
    result = place.run("remove-packages", "apt", str(record))
    assert result.returncode == 1
    assert "backup-tool" in result.stderr
    assert record.exists()
    place.program("apt-get")
    place.output_of("remove-packages", "apt", str(record))
    assert place.calls()[-1] == "apt-get -qy -o DPkg::Lock::Timeout=120 remove etcd-server libfoo"
    assert not record.exists()


def test_holds_are_recorded_and_only_those_are_ended(place: Place) -> None:
    record = place.folder / "state/held"
    place.program("dpkg-query", "for name; do :; done; [ $name != absent ] && echo -n installed")
    place.program("apt-mark", f"case $1 in showhold) echo kubelet; cat {record} 2>/dev/null ;; esac; :")
    assert place.run("check-held", "apt", "kubelet", "haproxy", "absent").stderr == "haproxy is not held\n"
    place.output_of("hold-packages", "apt", str(record), "kubelet", "haproxy", "absent")
    assert record.read_text() == "haproxy\n"
    place.output_of("check-held", "apt", "kubelet", "haproxy", "absent")
    place.calls()
    place.output_of("unhold-packages", "apt", str(record))
    assert place.calls() == ["apt-mark unhold haproxy"]
    assert not record.exists()


def test_dnf_locks_versions(place: Place) -> None:
    place.program("rpm", "exit 0")
    place.program("dnf", "case $* in *list*) echo 'kubelet-0:1.31.4-1.*' ;; esac")
    record = place.folder / "held"
    place.output_of("hold-packages", "dnf", str(record), "kubelet", "kubeadm")
    assert "dnf -q versionlock add kubeadm" in place.calls()
    assert record.read_text() == "kubeadm\n"


def archive(path: Path, files: dict[str, str]) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.skipif(os.geteuid() != 0, reason="programs belong to root")
def test_programs_of_a_release_are_verified_and_existing_ones_kept(place: Place) -> None:
    path = place.folder / "kubernetes.tar.gz"
    digest = archive(path, {"kubernetes/server/bin/kubelet": "new", "kubernetes/server/bin/kubeadm": "new"})
    old = place.file("usr/bin/kubeadm", "old")
    targets = (str(place.folder / "usr/bin/kubelet"), str(old))
    record = place.folder / "state/kubernetes.programs"
    wrong = place.run("prepare-programs", str(record), str(path), "0" * 64, *targets)
    assert wrong.returncode == 1
    assert "does not have the SHA-256" in wrong.stderr
    assert not Path(targets[0]).exists()
    place.output_of("prepare-programs", str(record), str(path), digest, *targets)
    assert (Path(targets[0]).read_text(), old.read_text()) == ("new", "old")
    assert Path(targets[0]).stat().st_mode & 0o777 == 0o755
    missing = place.run("prepare-programs", str(record), str(path), digest, str(place.folder / "usr/bin/etcd"))
    assert "the release has no program etcd" in missing.stderr
    assert not Path(f"{path}.unpacked").exists()
    place.output_of("prepare-programs", str(record), str(path), digest, *targets)
    place.output_of("remove-programs", str(record))
    assert (Path(targets[0]).exists(), old.read_text(), record.exists()) == (False, "old", False)
    place.output_of("remove-programs", str(record))


@pytest.mark.parametrize("form", ["docker", "oci"])
def test_images_of_an_archive_are_found_in_containerd(place: Place, form: str) -> None:
    path = place.folder / "images.tar"
    names = ["registry.k8s.io/kube-apiserver:v1.31.4", "registry.k8s.io/pause:3.10"]
    docker = json.dumps([{"Config": "c", "RepoTags": [name], "Layers": ["l"]} for name in names])
    notes = [{"annotations": {"io.containerd.image.name": name}} for name in names]
    text = ("manifest.json", docker) if form == "docker" else ("index.json", json.dumps({"manifests": notes}))
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo(text[0])
        entry.size = len(text[1])
        tar.addfile(entry, io.BytesIO(text[1].encode()))
    place.program("ctr", f"echo {names[0]}")
    assert place.run("check-images", str(path)).stderr == f"the image {names[1]} is missing\n"
    place.program("ctr", f"printf '{names[0]}\\n{names[1]}\\n'")
    place.output_of("check-images", str(path))
    assert place.run("check-images", str(place.folder / "none.tar")).returncode == 1


def test_kernel_settings_and_modules(place: Place) -> None:
    place.file("proc/sys/net/ipv4/ip_forward", "0\n")
    result = place.run("check-sysctls", "net.ipv4.ip_forward=1", "net.bridge.x=1")
    assert result.stderr.splitlines() == ["net.ipv4.ip_forward is 0, not 1", "net.bridge.x is absent, not 1"]
    place.output_of("check-sysctls", "net.ipv4.ip_forward=0")
    (place.folder / "sys/module/overlay").mkdir(parents=True)
    release = os.uname().release
    place.file(f"lib/modules/{release}/modules.builtin", "kernel/net/br_netfilter.ko\n")
    place.output_of("check-modules", "overlay", "br_netfilter")
    assert place.run("check-modules", "overlay", "dummy").stderr == "the module dummy is not loaded\n"


def test_missing_programs_are_all_listed(place: Place) -> None:
    place.program("here")
    result = place.run("check-programs", "here", "not-here", "nor-here")
    assert result.stderr.splitlines() == ["not-here is not installed", "nor-here is not installed"]
