"""No output of a host and no configuration ends in a traceback or fills the memory: truncated, noisy, binary or huge.

HACONSOLE_EXAMPLES chooses how many inputs are generated for each property.
"""

from __future__ import annotations

import os
import random
import string
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from haconsole.inventory.importers.draft import write
from haconsole.inventory.load import examine
from haconsole.probes.balancers import haproxy_config, haproxy_files, keepalived_config, keepalived_files
from haconsole.probes.balancers.haproxy_lines import HaproxyFiles
from haconsole.probes.balancers.keepalived_lines import ConfigFiles, EndlessConfigError, single_file
from haconsole.probes.certificate.reader_script import parse_files
from haconsole.probes.discovery.ask import inventory_of, programs_of
from haconsole.probes.discovery.draft import draft_of, own_address
from haconsole.probes.discovery.host_report import HostReport, Others, Program
from haconsole.probes.errors import ProbeError
from haconsole.probes.hosts.static_pods import StaticPod
from haconsole.probes.hosts.static_pods import parse as parse_static_pods
from haconsole.probes.script import FrameReader, SectionAnswer
from tests.fakes.haproxy_configs import HaproxyGenerator
from tests.fakes.keepalived_configs import ConfigGenerator
from tests.unit.probes.test_cases import CASES, PARSERS

EXAMPLES = int(os.environ.get("HACONSOLE_EXAMPLES", "60"))
NOISE = (
    "",
    "\x00\xff",
    "Aucun fichier ou dossier de ce type",
    "WARNING: locale fr_FR",
    "\x1b[31mred",
    "=part= x",
    "@ a b",
)

KEEPALIVED_WORDS = st.sampled_from(
    (
        *(
            "vrrp_instance",
            "V",
            "{",
            "}",
            "priority",
            "100",
            "virtual_ipaddress",
            "10.5.0.1/24",
            "2001:db8::1",
            "#",
            "!",
        ),
        *(
            '"',
            "\\",
            "\n",
            "\n",
            "\n",
            "@a",
            "@^a",
            "$X=1",
            "$X=\\",
            "$X",
            "${X}",
            "${_PWD}",
            "$Y=$Y",
            "include",
            "/a/*",
        ),
        *(
            "include ../b.conf",
            "~SEQ(I, 1, 9)",
            "~SEQ(I, 1, 99999999)",
            "~LST({A,B}, {1,2})",
            "$I",
            "track_script",
            "weight",
        ),
        *("vrrp_script", "script", "vrrp_sync_group", "group", "unicast_peer", "authentication", "auth_pass", "state"),
        *("advert_int", "1e9", "9" * 400, "-1", "0x10", "\t", "\x00", "é", "\u2028", "\r"),
    )
)
HAPROXY_WORDS = st.sampled_from(
    (
        *("global", "defaults", "listen", "frontend", "backend", "a", "from", "server", "bind", "use_backend", "check"),
        *(
            "server-template",
            "1-999999",
            "3",
            "port",
            "weight",
            "9" * 400,
            "default-server",
            "balance",
            "disabled",
            "\n",
        ),
        *(
            "\n",
            "\n",
            ".if",
            ".elif",
            ".else",
            ".endif",
            "defined(A)",
            "&&",
            "||",
            "!",
            "(",
            ")",
            "streq(a,b",
            "1",
            "0",
        ),
        *(
            '"',
            "'",
            "\\",
            "\\x4",
            "\\x41",
            '"$A"',
            '"${A-b}"',
            '"${A[*]}"',
            "$",
            "${",
            "#",
            ":6443",
            "*:1-2",
            "ipv6@::1:1",
        ),
        *(
            "unix@/a",
            "[::1]:99999",
            "+5",
            "10.5.0.1:+1",
            "setenv",
            "resetenv",
            "stats",
            "socket",
            "\x00",
            "é",
            "\r",
            "\t",
        ),
    )
)


def keepalived_of(words: list[str]) -> ConfigFiles:
    return ConfigFiles(
        "/a/k.conf", {"/a/k.conf": " ".join(words), "/a/x.conf": "include k.conf", "/b.conf": "$Z=1\n}"}, "a"
    )


@settings(max_examples=EXAMPLES)
@given(st.lists(KEEPALIVED_WORDS, max_size=60))
def test_no_keepalived_configuration_raises(words: list[str]) -> None:
    try:
        for one in keepalived_config.configured(keepalived_of(words)):
            assert 1 <= one.priority <= 255
            assert 0 <= one.router_id <= 255
    except EndlessConfigError:
        pass


@settings(max_examples=EXAMPLES)
@given(st.lists(HAPROXY_WORDS, max_size=60))
def test_no_haproxy_configuration_raises(words: list[str]) -> None:
    haproxy_config.configured(HaproxyFiles((" ".join(words),), environment={"A": "x y"}, version=(2, 6)))


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=400))
def test_binary_configurations_do_not_raise(data: bytes) -> None:
    text = data.decode(errors="replace")
    keepalived_config.configured(single_file(text))
    haproxy_config.configured(HaproxyFiles((text,)))


@pytest.mark.parametrize(
    "text",
    [
        "$A=$A\npriority $A",
        "~SEQ(I, 1, 99999999) x $I",
        "~SEQ(I, 1, 99999) ~SEQ(J, 1, 99999) x",
        "include keepalived.conf",
        "$A=x$B\n$B=$A\nx $A",
        "vrrp_instance V {\n" * 100_000,
        "x " * 2_000_000,
    ],
    ids=lambda text: text[:20].strip(),
)
def test_an_endless_or_huge_keepalived_configuration_is_bounded(text: str) -> None:
    started = time.process_time()
    with suppress(EndlessConfigError):
        keepalived_config.configured(single_file(text))
    assert time.process_time() - started < 10


def test_a_huge_haproxy_configuration_is_bounded() -> None:
    started = time.process_time()
    config = haproxy_config.configured(
        HaproxyFiles(("listen a\n server-template t 9999 x:1\n" * 20 + ".if 1\n" * 9999,))
    )
    assert sum(len(proxy.servers) for proxy in config.proxies) <= 21_000
    assert time.process_time() - started < 10


def outputs() -> Iterator[tuple[Callable[[SectionAnswer], Any], str]]:
    for path in sorted(CASES.rglob("*.yaml")):
        case = yaml.safe_load(path.read_text())
        if case.get("output") and path.parent.name in PARSERS:
            yield PARSERS[path.parent.name], case["output"]


def parsed(parse: Callable[[SectionAnswer], Any], text: str) -> Any:
    try:
        return parse(SectionAnswer("x", text, "", 0))
    except ProbeError:
        return None


@pytest.mark.thorough
def test_every_parser_reads_outputs_cut_at_every_line_and_at_many_places() -> None:
    pick = random.Random(1)
    for parse, output in outputs():
        lines = [place for place, char in enumerate(output) if char == "\n"]
        for place in {*lines, *(pick.randrange(len(output)) for _ in range(EXAMPLES // 6))}:
            parsed(parse, output[:place])
            parsed(parse, output[place:])


@pytest.mark.thorough
def test_every_parser_reads_outputs_with_noise_in_them() -> None:
    pick = random.Random(2)
    for parse, output in outputs():
        for _ in range(EXAMPLES // 6):
            lines = output.split("\n")
            for _ in range(pick.randrange(1, 4)):
                lines.insert(pick.randrange(len(lines) + 1), pick.choice(NOISE))
            text = "\n".join(lines)
            at = pick.randrange(len(text))
            garbage = "".join(pick.choices(string.printable + "\x00é\u2028", k=5))
            parsed(parse, text[:at] + garbage + text[at + pick.randrange(9) :])


def framed(*sections: tuple[str, str]) -> list[str]:
    text = "".join(f"=haconsole= < {name}\n{body}\n=haconsole= ! 0\n\n=haconsole= >\n" for name, body in sections)
    return text.splitlines(keepends=True)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_a_truncated_answer_is_no_answer(data: st.DataObject) -> None:
    """Of a connection that breaks at any place only complete answers are read, each as it was."""
    text = "".join(framed(("keepalived", "a\nb"), ("haproxy", "c"), ("disks", "")))
    cut = text[: data.draw(st.integers(0, len(text)))]

    def answers(lines: str) -> list[SectionAnswer]:
        reader = FrameReader()
        return [one for one in map(reader.take, lines.splitlines()) if isinstance(one, SectionAnswer)]

    complete = answers(text)
    assert len(complete) == 3
    assert answers(cut) == complete[: len(answers(cut))]


FLAG_VALUES = st.one_of(
    st.sampled_from(
        (
            *(
                "https://10.5.0.1:2379",
                "https://[2001:db8::1]:2379",
                "http://h:port",
                "https://[::1",
                "x=https://a:b",
                "true",
            ),
            *(
                "https://10.5.0.1:99999",
                "",
                "1h2m",
                "10.96.0.0/12,fd00::/108",
                "not a cidr",
                "-1",
                "9" * 50,
                "/etc/x y",
            ),
        )
    ),
    st.text(max_size=20),
)
FLAGS = st.sampled_from(
    (
        *("advertise-client-urls", "initial-advertise-peer-urls", "listen-metrics-urls", "initial-cluster", "data-dir"),
        *(
            "trusted-ca-file",
            "name",
            "initial-cluster-token",
            "heartbeat-interval",
            "quota-backend-bytes",
            "secure-port",
        ),
        *(
            "advertise-address",
            "service-cluster-ip-range",
            "cluster-cidr",
            "cluster-name",
            "etcd-servers",
            "kubeconfig",
        ),
        *("leader-elect-lease-duration", "client-ca-file", "config-file", "auto-tls", "f", "use-file"),
    )
)
PROGRAMS = st.dictionaries(
    st.sampled_from(("etcd", "kube-apiserver", "kube-controller-manager", "kubelet", "haproxy", "keepalived")),
    st.builds(Program, FLAG_VALUES, st.dictionaries(FLAGS, FLAG_VALUES, max_size=8)),
    max_size=6,
)


@settings(max_examples=EXAMPLES)
@given(PROGRAMS, st.sets(st.sampled_from(("etcd", "kube-apiserver"))), st.integers(0, 10**6), FLAG_VALUES)
def test_no_report_of_a_host_ends_the_discovery(
    programs: dict[str, Program], pods: set[str], seed: int, server: str
) -> None:
    """A draft comes out of it, by which the other hosts are queried; it names the reason where it cannot be used."""
    report = HostReport(
        "h",
        ("10.5.0.1/24", "odd"),
        programs,
        frozenset(pods),
        server=server,
        haproxy=HaproxyFiles(tuple(HaproxyGenerator(seed).config().files.values())),
        keepalived=single_file(ConfigGenerator(seed, faulty=True).config().files["keepalived.conf"]),
    )
    draft = draft_of(report, Others(), source="s", ssh={}, jump=None, reached_by=own_address(report))
    assert inventory_of(draft).hosts
    examined = examine(write(draft), "<found>", Path("/"))
    assert examined.inventory or examined.errors


@settings(max_examples=EXAMPLES)
@given(
    st.lists(st.sampled_from((*NOISE, "=file= /a", "=part= files", "=part= command", "x=y", "-f", "-i", "-ix", "\n")))
)
def test_no_answer_about_a_balancer_raises(lines: list[str]) -> None:
    text = "\n".join(lines)
    keepalived_config.configured(keepalived_files.config_of(keepalived_files.parts_of(text)))
    haproxy_config.configured(haproxy_files.config_of(text))


@settings(max_examples=EXAMPLES)
@given(st.text(alphabet="@+- \nabk=/0.5é\x00", max_size=200))
def test_no_list_of_processes_or_certificates_raises(text: str) -> None:
    programs_of(text)
    parse_files(SectionAnswer("x", text, "", 0))
    parse_static_pods(text.replace("a", "process 1 (etcd) S "), (StaticPod("etcd", "/m"),))
    parse_static_pods(f"boot {text}\nprocess {text}\nmanifest etcd", (StaticPod("etcd", "/m"),))
