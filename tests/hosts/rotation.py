"""Certificates of a lab as tests of rotations change and read them, without the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from haconsole.lab.lab import Lab
from haconsole.pki.authority import Authority
from haconsole.pki.bundle import load_certificate
from haconsole.pki.keys import PrivateKey, load_public_key
from haconsole.pki.leaf import Leaf, sign_leaf
from haconsole.pki.names import sans_of
from tests.hosts.program import Program, outcomes


def verb(*words: str) -> list[str]:
    return [sys.executable, "-m", "haconsole", *words]


def stopped_at(program: Program, step: str, *words: str) -> None:
    """Ctrl-C when the first step of that name begins."""
    with subprocess.Popen(
        verb(*words, "--json"), env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            event = json.loads(line)
            if event["event"] == "step-started" and event["step"].startswith(step):
                running.send_signal(signal.SIGINT)
                break
        running.communicate(timeout=120)
    assert running.returncode == 130


def with_passphrase(program: Program, action: str, *words: str) -> str:
    """Run an action with the passphrase of the operator's CA keys on a descriptor; returns its output."""
    read, write = os.pipe()
    os.write(write, b"correct horse battery staple\n")
    os.close(write)
    result = subprocess.run(
        program.command("run", action, *words, "--yes"),
        env=program.environment | {"HACONSOLE_CA_PASSPHRASE_FD": str(read)},
        pass_fds=(read,),
        capture_output=True,
        text=True,
        timeout=240,
    )
    os.close(read)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout + result.stderr


def addresses(program: Program) -> tuple[str, ...]:
    return tuple(host.address for host in program.lab.spec.hosts)


def certs(program: Program) -> dict[str, Any]:
    """``certs --json`` of the program's hosts, whatever its exit status."""
    argv = (sys.executable, "-m", "haconsole", "certs", str(program.inventory), "--json")
    result = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=program.environment)
    assert result.stdout, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def leaves(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The leaves by host and role."""
    return {(one["host"], one["role"]): one for one in document["certificates"] if not one["is_ca"]}


def sound(document: dict[str, Any]) -> None:
    """There are no findings about certificates, and every process serves the certificate in its file."""
    assert (document["health"], document["findings"], document["unread"]) == ("healthy", [], [])
    assert [one for one in document["certificates"] if one["problem"]] == []
    serving = [one for one in document["certificates"] if one["role"] in ("etcd-server", "etcd-peer", "apiserver")]
    assert serving
    assert [one["served"] for one in serving] == [True] * len(serving)


def shared(document: dict[str, Any]) -> dict[str, set[str]]:
    """Fingerprints of what hosts share, over all of them."""
    return {one["what"]: {each for prints in one["hosts"].values() for each in prints} for one in document["shared"]}


def rotate_ca(program: Program, *words: str) -> dict[str, str]:
    """Carry ``rotate-certs --ca`` out to its end; how each step ended."""
    start = time.monotonic()
    events = program.events("rotate-certs", "--ca", *words)
    print(f"rotate-certs --ca {' '.join(words)}: {time.monotonic() - start:.1f} s, {events[-1]['changed']} changed")
    return outcomes(events)


def end_all(program: Program, *, days_ago: int = 30) -> None:
    """Put certificates that have ended in the place of all leaves, and start what uses them again: all is dead."""
    lab = program.lab
    output = certs(program)
    authorities = {one["fingerprint"]: one["path"] for one in output["certificates"] if one["is_ca"]}
    for (host, _), leaf in leaves(output).items():
        _end(lab, host, leaf["path"], leaf["key"]["path"], authorities[leaf["issued_by"]], days_ago)
    units = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    for host in {host for host, _ in leaves(output)}:
        lab.exec(host, "systemctl", "stop", *units)
        lab.exec(host, "systemctl", "start", "--no-block", *units)


def _end(lab: Lab, host: str, path: str, key_path: str, ca_path: str, days_ago: int) -> None:
    issued = datetime.now(UTC) - timedelta(days=days_ago + 365)
    certificate = load_certificate(_output_of(lab, host, "cat", path))
    named = {attribute.oid._name: str(attribute.value) for attribute in certificate.subject}
    leaf = Leaf(
        named["commonName"],
        tuple(value for name, value in named.items() if name == "organizationName"),
        sans_of(certificate),
    )
    authority = Authority(
        _output_of(lab, host, "cat", ca_path), PrivateKey(_output_of(lab, host, "cat", ca_path.replace(".crt", ".key")))
    )
    public = load_public_key(_output_of(lab, host, "openssl", "pkey", "-in", key_path, "-pubout"))
    (lab.host(host).root / path.lstrip("/")).write_bytes(sign_leaf(authority, leaf, public, days=365, now=issued))


def _output_of(lab: Lab, host: str, *argv: str) -> bytes:
    result = lab.exec(host, *argv)
    assert result.returncode == 0, f"{host}: {argv}: {result.stderr}"
    return result.stdout.encode()
