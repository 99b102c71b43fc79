"""StrictHostKeyChecking and the options around it, compared with the outcome of the real client."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import asyncssh
import pytest

from haconsole.inventory.schema import Sudo
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.transport.base import TransportError
from haconsole.transport.ssh.client_config import ClientConfig
from haconsole.transport.ssh.host_keys import Visitor
from haconsole.transport.ssh.known_hosts import look_up
from haconsole.transport.ssh.route import Destination, resolve
from tests.fakes.answers import ScriptedAnswers
from tests.fakes.sshd import Sshd, inventory_of, make_key
from tests.unit.transport.conftest import MakeFleet
from tests.unit.transport.test_host_keys import fingerprint_of, line_of, outcome_of, outcome_of_openssh

CP1 = HostName("cp1")
STATES = ("none", "right", "changed", "revoked", "without-port", "hashed")
STRICT = ("yes", "no", "off", "ask", "accept-new")


def files(folder: Path, server: Sshd, state: str, options: str) -> tuple[Path, Path]:
    """An ssh_config with `options`, and its known_hosts in that state."""
    known, config = folder / "known", folder / "config"
    host, other = server.folder / "host.pub", folder / "other.pub"
    if not other.exists():
        make_key(folder / "other")
    name = f"[127.0.0.1]:{server.port}"
    right = line_of(host, name)
    known.write_text(
        {
            "none": "",
            "right": right,
            "changed": line_of(other, name),
            "revoked": f"{right}@revoked {right}",
            "without-port": line_of(host, "127.0.0.1"),
            "hashed": right,
        }[state]
    )
    if state == "hashed":
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    config.write_text(f"{options}\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n")
    return config, known


@pytest.mark.parametrize(("state", "strict"), itertools.product(STATES, STRICT))
async def test_the_outcome_is_that_of_openssh(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, state: str, strict: str
) -> None:
    config, known = files(tmp_path, sshd, state, f"StrictHostKeyChecking {strict}")
    # A key that is marked as revoked is refused whatever the option is; ssh lets it pass with `no`.
    expected = "revoked" if state == "revoked" else outcome_of_openssh(sshd, config)
    lines = len(known.read_text().splitlines())
    config, known = files(tmp_path, sshd, state, f"StrictHostKeyChecking {strict}")
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))).host(CP1)
    assert await outcome_of(host) == expected
    if state != "without-port":
        assert len(known.read_text().splitlines()) == lines


async def test_a_strict_client_puts_no_question(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    for options in ("StrictHostKeyChecking yes", "BatchMode yes"):
        config, known = files(tmp_path, sshd, "none", options)
        answers = ScriptedAnswers(accepts=True)
        inventory = inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))
        hint = f"add the key to {known}, because ssh_config sets {options.replace(' ', ' to ')} for this host"
        with pytest.raises(TransportError, match=hint) as excinfo:
            await make_fleet(inventory, answers).host(CP1).connect()
        assert (excinfo.value.cause, answers.requests) == (Cause.HOST_KEY_UNKNOWN, [])


async def test_names_are_hashed_where_ssh_hashes_them(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    config, known = files(tmp_path, sshd, "none", "HashKnownHosts yes\nStrictHostKeyChecking accept-new")
    await make_fleet(inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))).host(CP1).connect()
    assert known.read_text().startswith("|1|")
    search = ("ssh-keygen", "-F", f"[127.0.0.1]:{sshd.port}", "-f", str(known))
    assert subprocess.run(search, capture_output=True, check=False).returncode == 0
    await make_fleet(inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))).host(CP1).connect()
    assert len(known.read_text().splitlines()) == 1


async def test_localhost_is_exempt_where_ssh_exempts_it(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    for state in ("none", "changed"):
        config, known = files(tmp_path, sshd, state, "NoHostAuthenticationForLocalhost yes")
        before = known.read_text()
        assert outcome_of_openssh(sshd, config) == "accepted"
        host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))).host(CP1)
        assert (await outcome_of(host), known.read_text()) == ("accepted", before)


async def test_a_key_of_the_revocation_list_is_refused(sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("# stolen\n" + (sshd.folder / "host.pub").read_text())
    config, _ = files(tmp_path, sshd, "right", f"RevokedHostKeys {revoked}")
    inventory = inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))
    assert outcome_of_openssh(sshd, config) != "accepted"
    assert await outcome_of(make_fleet(inventory).host(CP1)) == "revoked"
    revoked.write_bytes(b"SSHKRL\n\0")
    with pytest.raises(TransportError, match="RevokedHostKeys of ssh_config cannot be read"):
        await make_fleet(inventory).host(CP1).connect()


async def test_no_password_is_sent_to_a_host_whose_key_has_changed(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = files(tmp_path, sshd, "changed", "StrictHostKeyChecking no")
    answers = ScriptedAnswers(passwords=["secret"])
    inventory = inventory_of({"cp1": sshd}, known_hosts=None, config=str(config), sudo=Sudo.PASSWORD)
    host = make_fleet(inventory, answers).host(CP1)
    assert (await host.run(("true",))).ok
    monkeypatch.setattr(host._link, "user", "ops")
    with pytest.raises(TransportError, match="no password is sent to the host") as excinfo:
        await host.run(("true",), root=True)
    assert (excinfo.value.cause, answers.requests) == (Cause.SUDO_REFUSED, [])


async def test_new_keys_have_no_file_where_ssh_config_has_none(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    config, known = files(tmp_path, sshd, "none", "UserKnownHostsFile none\nStrictHostKeyChecking no")
    host = make_fleet(inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))).host(CP1)
    assert (await host.run(("true",))).ok
    assert known.read_text() == ""


ADDRESS = "192.0.2.7"


async def visited(folder: Path, sshkey: asyncssh.SSHKey, of_address: str, options: str) -> tuple[bool, Visitor]:
    """A visit to a name that leads to ADDRESS, both with the key `shown`, or with `of_address` for the address."""
    data = sshkey.export_public_key().decode().strip()
    known = folder / "known"
    known.write_text(f"cp1.example {data}\n" + (f"{ADDRESS} {of_address}\n" if of_address else ""))
    (folder / "config").write_text(f"{options}\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n")
    destination = Destination(CP1, "cp1.example", config=folder / "config")
    route = await resolve(destination, ClientConfig())
    visitor = Visitor(route, look_up(route.known_hosts, route.known_as), None)
    return visitor.validate_host_public_key("cp1.example", ADDRESS, 22, sshkey), visitor


async def test_the_address_of_a_name_is_compared_too_where_ssh_compares_it(tmp_path: Path) -> None:
    right, other = (asyncssh.generate_private_key("ssh-ed25519").convert_to_public() for _ in range(2))
    lines = {key: key.export_public_key().decode().strip() for key in (right, other)}
    for of_address, options, trusted in (
        (lines[other], "CheckHostIP no", True),
        (lines[right], "CheckHostIP yes", True),
        (lines[other], "CheckHostIP yes", False),
        (lines[other], "CheckHostIP yes\nProxyCommand true", True),
        ("", "CheckHostIP yes", True),
    ):
        result, visitor = await visited(tmp_path, right, of_address, options)
        assert (result, visitor.address_differs) == (trusted, not trusted), options
        assert visitor.address_is_new is (of_address == "")


async def test_an_accepted_key_of_a_strict_client_is_shown_with_its_fingerprint(
    sshd: Sshd, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    config, _ = files(tmp_path, sshd, "changed", "StrictHostKeyChecking yes")
    with pytest.raises(TransportError) as excinfo:
        await make_fleet(inventory_of({"cp1": sshd}, known_hosts=None, config=str(config))).host(CP1).connect()
    assert fingerprint_of(sshd) in excinfo.value.what
