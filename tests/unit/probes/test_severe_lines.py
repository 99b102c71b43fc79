"""A program's own reason is found among the last lines of its log."""

from __future__ import annotations

import json

import pytest

from haconsole.probes.hosts.severe_lines import severe_lines

LOGS = {
    "etcd 3.4, removed member": (
        """\
2026-11-29 09:00:00.100000 I | rafthttp: peer 8e9e05c52164694d became active
2026-11-29 09:00:00.200000 E | etcdserver: the member has been permanently removed from the cluster
2026-11-29 09:00:00.200001 I | etcdserver: the data-dir used by this member must be removed.
""",
        ("E | etcdserver: the member has been permanently removed from the cluster",),
    ),
    "etcd 3.5, no space": (
        (
            '{"level":"info","ts":"2026-11-29T09:00:00Z","msg":"starting"}\n'
            '{"level":"fatal","ts":"T","msg":"discovery failed","error":"no space left on device"}\n'
            '{"level":"warn","ts":"2026-11-29T09:00:01Z","msg":"closing"}\n'
        ),
        ("fatal: discovery failed, error no space left on device",),
    ),
    "etcd, every request": (
        (
            '{"level":"warn","msg":"failed to publish local member","error":"etcdserver: request timed out"}\n'
            + '{"level":"warn","msg":"request stats","request content":"key:\\"error\\" "}\n' * 3
        ),
        ("warn: failed to publish local member, error etcdserver: request timed out",),
    ),
    "a panic and its trace": (
        (
            "panic: open /var/lib/etcd/member/wal/0.tmp: read-only file system\n\n"
            "goroutine 1 [running]:\nmain.main()\n\t/go/src/main.go:12 +0x1d\nexit status 2\n"
        ),
        ("panic: open /var/lib/etcd/member/wal/0.tmp: read-only file system",),
    ),
    "klog": (
        (
            "I1129 09:00:00.000000   1 server.go:1] serving\n"
            "F1129 09:00:01.000000   1 main.go:2] unable to load client CA file /etc/kubernetes/pki/ca.crt\n"
        ),
        ("F1129 09:00:01.000000   1 main.go:2] unable to load client CA file /etc/kubernetes/pki/ca.crt",),
    ),
    "haproxy": (
        (
            "[NOTICE]   (12) : New worker forked\n"
            "[ALERT]    (12) : config : parsing [/etc/haproxy/haproxy.cfg:31] : unknown keyword 'sever'\n"
            "[ALERT]    (12) : config : Fatal errors found in configuration.\n"
        ),
        (
            "[ALERT]    (12) : config : parsing [/etc/haproxy/haproxy.cfg:31] : unknown keyword 'sever'",
            "[ALERT]    (12) : config : Fatal errors found in configuration.",
        ),
    ),
    "no error at all": ("one\ntwo\nthree\n", ("two", "three")),
    "nothing": ("", ()),
}


@pytest.mark.parametrize("log", LOGS)
def test_the_reason_is_chosen(log: str) -> None:
    text, reason = LOGS[log]
    journal = "\n".join(json.dumps({"MESSAGE": line, "PRIORITY": "6"}) for line in text.splitlines())
    assert severe_lines(journal) == reason


def test_a_priority_counts_where_the_text_has_no_severity() -> None:
    """etcd 3.4 writes to the journal itself, with a priority and without a letter in the text."""
    texts = (("open /etc/etcd/pki/peer.crt: no file", "2"), ("[WARNING] Deprecated flag is set", "6"), ("bye", "6"))
    journal = "\n".join(json.dumps({"MESSAGE": text, "PRIORITY": priority}) for text, priority in texts)
    assert severe_lines(journal) == ("open /etc/etcd/pki/peer.crt: no file",)
    binary = json.dumps({"MESSAGE": list(b"panic: \xff"), "PRIORITY": "6"})
    assert severe_lines(f"not JSON\n{binary}\n") == ("panic: \N{REPLACEMENT CHARACTER}",)
