"""known_hosts files are searched as ssh-keygen searches them: the same lines, with the same markers.

HACONSOLE_ORACLE_EXAMPLES and HACONSOLE_ORACLE_SEED choose how many files are generated, and which.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from haconsole.transport.ssh.known_hosts import look_up
from tests.fakes.sshd import make_key

EXAMPLES = int(os.environ.get("HACONSOLE_ORACLE_EXAMPLES", "60"))
SEED = os.environ.get("HACONSOLE_ORACLE_SEED", "1")
NAMES = ("cp1", "cp1.blue.example", "[cp1]:2222", "10.5.0.1", "[10.5.0.1]:2222", "fd00::1", "[fd00::1]:22", "alias-a")
PATTERNS = (
    *NAMES,
    "*",
    "cp?",
    "*.blue.example",
    "!cp1",
    "10.5.0.*",
    "[*]:2222",
    "[cp1]:*",
    "CP1",
    "fd00::?",
    "!*.example,*",
    "",
)
SPOILED = ("", "# a comment", "   ", "@marker", "cp1", "cp1 ssh-ed25519", "\0", "|1|x|y z")
FOUND = re.compile(r"^# Host .* found: line (\d+) ?(CA|REVOKED)?", re.MULTILINE)
MARKERS = {"CA": "cert-authority", "REVOKED": "revoked", "": ""}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("keys")
    for number, kind in enumerate(("ed25519", "ecdsa", "rsa")):
        make_key(folder / str(number), kind=kind)
    return tuple(" ".join((folder / f"{number}.pub").read_text().split()[:2]) for number in range(3))


def hashed(draw: random.Random, name: str) -> str:
    salt = draw.randbytes(20)
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))


def line(draw: random.Random, keys: tuple[str, ...]) -> str:
    if draw.random() < 0.2:
        return draw.choice(SPOILED)
    if draw.random() < 0.3:
        patterns = hashed(draw, draw.choice(NAMES))
    else:
        patterns = ",".join(draw.choices(PATTERNS, k=draw.randint(1, 3)))
    marker = draw.choice(("", "", "", "@revoked ", "@cert-authority "))
    indent, gap, comment = draw.choice(("", "", " ", "\t")), draw.choice((" ", "  ", "\t")), draw.choice(("", " ours"))
    return f"{indent}{marker}{patterns}{gap}{draw.choice(keys)}{comment}"


def by_keygen(file: Path, name: str) -> set[tuple[int, str]]:
    argv = ("ssh-keygen", "-F", name, "-f", str(file))
    result = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=20)
    return {(int(number), MARKERS[marker]) for number, marker in FOUND.findall(result.stdout)}


def test_the_lines_found_are_those_of_ssh_keygen(tmp_path: Path, keys: tuple[str, ...]) -> None:
    reading = 0
    for number in range(EXAMPLES):
        draw = random.Random(f"{SEED}/{number}")
        file = tmp_path / str(number)
        file.write_text("\n".join(line(draw, keys) for _ in range(draw.randint(1, 12))) + draw.choice(("", "\n")))
        name = draw.choice(NAMES)
        expected = by_keygen(file, name)
        results = {(known.line, known.marker) for known in look_up((file,), name).lines}
        assert results == expected, f"{name}\n{file.read_text()}"
        reading += len(results)
    assert reading > EXAMPLES / 4
