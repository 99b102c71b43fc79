"""The scripts of prepare, run on folders and with programs that note their calls, under dash and busybox ash."""

from __future__ import annotations

import os

import pytest

from tests.fakes.script_host import Place

pytestmark = pytest.mark.usefixtures("posix_shell")
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
