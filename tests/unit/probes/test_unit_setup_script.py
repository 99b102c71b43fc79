"""The settings of drop-ins that unit-setup prints, under dash and busybox ash."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.probes.hosts import unit_setup
from haconsole.probes.script import SectionAnswer
from tests.fakes.script_host import Place

pytestmark = pytest.mark.usefixtures("posix_shell")

DROP_IN = """[Unit]
# a comment = none
Description=another
[Service]
  User = nobody
Environment="ETCD_PASSWORD=secret" 'HTTPS_PROXY=http://user:secret@proxy' TZ=UTC
Environment=ETCD_X=1
ExecStart=
ExecStart=/usr/bin/etcd --token=secret
SetCredential=a:secret
ReadOnlyPaths=/var/lib /srv\
"""


def test_settings_of_others_are_printed_without_secrets_and_ones_own_are_not(tmp_path: Path) -> None:
    place = Place(tmp_path)
    foreign = place.file("zz.conf", DROP_IN)
    own = place.file("haconsole.conf", "# haconsole: cluster lab\n# haconsole: sha256 0\n\n[Service]\nRestart=always\n")
    properties = ("Id=etcd.service", "LoadState=loaded", f"DropInPaths={own} {foreign}", "User=root", "MainPID=0")
    place.program("systemctl", "printf '%s\\n' " + " ".join(f"'{line}'" for line in properties))
    output = place.output_of("unit-setup", "etcd.service")
    assert "secret" not in output
    (setup,) = unit_setup.parse(SectionAnswer("unit_setup", output, "", 0))
    assert {file.path: file.settings for file in setup.files} == {
        str(own): (),
        str(foreign): (
            "Description=another",
            "User=nobody",
            "Environment=ETCD_PASSWORD HTTPS_PROXY TZ",
            "Environment=ETCD_X",
            "ExecStart=",
            "ExecStart=/usr/bin/etcd",
            "SetCredential=",
            "ReadOnlyPaths=/var/lib /srv",
        ),
    }
