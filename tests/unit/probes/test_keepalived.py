from __future__ import annotations

import pytest

from haconsole.model.vip import VrrpState
from haconsole.probes.balancers.keepalived import last_state
from haconsole.probes.balancers.keepalived_config import configured, instances
from haconsole.probes.balancers.keepalived_lines import single_file


def test_the_newest_line_of_each_instance_counts() -> None:
    journal = "(VI_2) Entering FAULT STATE\n(VI_1) Entering MASTER STATE\n(VI_2) Entering MASTER STATE\n"
    assert last_state(journal, "VI_1") is VrrpState.MASTER
    assert last_state(journal, "VI_2") is VrrpState.FAULT
    assert last_state(journal, "VI_3") is None


def test_terms_of_keepalived_1_are_known() -> None:
    assert last_state("VRRP_Instance(VI_1) Now in FAULT state\n", "VI_1") is VrrpState.FAULT
    assert last_state("VRRP_Instance(VI_1) Entering BACKUP STATE\n", "VI_1") is VrrpState.BACKUP


def test_a_needed_script_that_fails_from_the_start_means_fault() -> None:
    journal = "VRRP_Script(check) failed (exited with status 1)\n"
    assert last_state(journal, "VI_1", frozenset({"check"})) is VrrpState.FAULT
    assert last_state(journal, "VI_1", frozenset({"other"})) is None
    assert last_state(f"(VI_1) Entering BACKUP STATE\n{journal}", "VI_1", frozenset({"check"})) is VrrpState.BACKUP


def test_equal_passwords_have_equal_fingerprints_only_under_one_secret() -> None:
    def fingerprint(password: str, secret: bytes) -> str | None:
        text = f"vrrp_instance A {{ authentication {{\nauth_type PASS\nauth_pass {password}\n}} }}"
        return instances(single_file(text), secret)[0].auth_fingerprint

    assert fingerprint("1111", b"k") == fingerprint("1111", b"k") != fingerprint("1112", b"k")
    assert fingerprint("1111", b"k") != fingerprint("1111", b"other")


def test_a_file_cut_short_or_strange_is_read_as_far_as_it_goes() -> None:
    assert (
        instances(single_file("vrrp_instance A {\n priority 101\n virtual_ipaddress {\n 10.0.0.1"), b"k")[0].priority
        == 101
    )
    assert instances(single_file("}}} {{{ vrrp_instance"), b"k") == ()
    assert instances(single_file(""), b"k") == ()


@pytest.mark.parametrize(
    ("states", "master"),
    [
        ((), False),
        (("MASTER", "BACKUP"), True),
        (("BACKUP", "MASTER"), True),
        (("MASTER", "UNKNOWN"), False),
        (("MASTER", "UNKNOWN", "BACKUP"), False),
        (("UNKNOWN", "MASTER", "BACKUP"), True),
    ],
)
def test_of_several_states_keepalived_keeps_master_unless_an_unknown_word_follows(
    states: tuple[str, ...], master: bool
) -> None:
    lines = "".join(f" state {state}\n" for state in states)
    (one,) = configured(single_file(f"vrrp_instance A {{\n{lines} priority 100\n nopreempt\n}}\n"))
    assert (one.starts_as_master, one.nopreempt) == (master, not master)
