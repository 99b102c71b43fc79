"""The scripts of repair, run on folders and with programs that note their calls, under dash and busybox ash."""

from __future__ import annotations

import pytest

from haconsole.actions.repair_programs import LIMITS
from tests.fakes.script_host import Place

pytestmark = pytest.mark.usefixtures("posix_shell")


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
