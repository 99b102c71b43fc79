"""The scripts that read and correct containerd's configuration, under dash and busybox ash."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.fakes.script_host import Place

pytestmark = pytest.mark.usefixtures("posix_shell")


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
