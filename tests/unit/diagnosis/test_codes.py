"""Every code a rule can emit is documented, and every documented code can be emitted."""

from __future__ import annotations

import re
from pathlib import Path

import haconsole.diagnosis
from haconsole.diagnosis.codes import CODES

FOLDER = Path(haconsole.diagnosis.__file__).parent
CODE = re.compile(
    r'"((?:cluster|console|etcd|vip|haproxy|keepalived|apiserver|component|lease|cert|host|balancer|probe|service|config|kubelet|runtime|static-pod|node|endpoint|kubeadm)\.[a-z-]+)"'
)


def emitted() -> set[str]:
    text = "".join(path.read_text() for path in FOLDER.glob("*.py") if path.name != "codes.py")
    assert 'f"{name}.down"' in text
    return {*CODE.findall(text), "keepalived.down", "haproxy.down"}


def test_codes_and_their_explanations_agree() -> None:
    assert emitted() == set(CODES)
