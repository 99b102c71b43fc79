"""A host's connections to the ports of its peers, tried by the real script."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Deployment, Inventory, Kubernetes
from haconsole.model.hosts import Role
from haconsole.model.system import PeerPort, PortState
from haconsole.probes.hosts.peer_ports import parse, ports_of, section
from haconsole.probes.script import SectionAnswer, answers, render
from tests.fakes.cluster import INVENTORY

pytestmark = pytest.mark.usefixtures("posix_shell")


def answer_for(*ports: tuple[str, int]) -> SectionAnswer:
    script = render((section(ports),))
    result = subprocess.run(("sh", "-s"), input=script, stdout=subprocess.PIPE, timeout=30, check=True)
    (answer,) = answers(result.stdout.decode())
    return answer


def test_an_open_and_a_refused_port_are_distinguished() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        is_open, refused = listening.getsockname()[1], unused.getsockname()[1]
        result = parse(answer_for(("127.0.0.1", is_open), ("127.0.0.1", refused)))
    assert set(result) == {
        PeerPort("127.0.0.1", is_open, PortState.OPEN),
        PeerPort("127.0.0.1", refused, PortState.REFUSED),
    }


def test_a_port_that_a_process_listens_on_is_refused_by_a_firewall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The firewall is simulated by an `ss` that reports a listening process."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        listing = tmp_path / "ss"
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        for address, state in (
            ("127.0.0.1", PortState.REJECTED),
            ("0.0.0.0", PortState.REJECTED),
            ("127.0.0.2", PortState.REFUSED),
        ):
            listing.write_text(f"#!/bin/sh\necho 'LISTEN 0 100 {address}:{port} 0.0.0.0:*'\n")
            listing.chmod(0o755)
            assert parse(answer_for(("127.0.0.1", port))) == (PeerPort("127.0.0.1", port, state),)


def test_no_ports_are_no_results() -> None:
    assert parse(answer_for()) == ()


def test_a_host_tries_the_ports_that_its_components_connect_to() -> None:
    def tried_ports(inventory: Inventory) -> set[tuple[str, int]]:
        return set(ports_of(inventory, layout(inventory), inventory.hosts[0]))

    others = [host.address for host in INVENTORY.hosts[1:] if Role.ETCD in host.roles]
    peers = {(address, port) for address in others for port in (2379, 2380, 6443)}
    assert tried_ports(INVENTORY) == peers | {("10.99.0.100", 8443)}
    stacked = replace(
        INVENTORY, kubernetes=replace(INVENTORY.kubernetes or Kubernetes(), deployment=Deployment.KUBEADM)
    )
    assert (others[0], 2379) not in tried_ports(stacked)


@pytest.mark.parametrize(
    ("binding", "state"),
    [("127.0.0.1", PortState.REJECTED), ("0.0.0.0", PortState.REJECTED), ("127.0.0.2", PortState.REFUSED)],
)
def test_a_listening_process_is_found_without_ss(tmp_path: Path, binding: str, state: PortState) -> None:
    """The firewall is simulated by a `timeout` that reports a refused connection."""
    for name in ("sh", "bash", "ip", "grep"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    (tmp_path / "timeout").write_text("#!/bin/sh\necho Connection refused >&2\nexit 1\n")
    (tmp_path / "timeout").chmod(0o755)
    with socket.create_server((binding, 0)) as listening:
        port = listening.getsockname()[1]
        script = render((section((("127.0.0.1", port),)),)).replace(b"PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin", b"")
        result = subprocess.run(
            ("sh", "-s"), input=script, stdout=subprocess.PIPE, env={"PATH": str(tmp_path)}, timeout=30
        )
    (answer,) = answers(result.stdout.decode())
    assert parse(answer) == (PeerPort("127.0.0.1", port, state),)


def full(listening: socket.socket, stack: ExitStack) -> None:
    """Fill the queue of a socket, so that the kernel drops further connections to it."""
    for _ in range(4):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(listening.getsockname())
    time.sleep(0.1)


def test_a_port_that_never_answers_is_silent() -> None:
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        full(listening, stack)
        port = listening.getsockname()[1]
        assert parse(answer_for(("127.0.0.1", port))) == (PeerPort("127.0.0.1", port, PortState.SILENT),)


def test_a_host_too_slow_to_connect_reports_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lack of processor time is simulated by a `bash` that starts late."""
    (tmp_path / "bash").write_text(f'#!/bin/sh\nsleep 3\nexec {shutil.which("bash")} "$@"\n')
    (tmp_path / "bash").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert parse(answer_for(("127.0.0.1", listening.getsockname()[1]))) == ()
