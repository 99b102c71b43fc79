"""haproxy's configuration files and its environment, read on its host by a shell."""

from __future__ import annotations

import re

from haconsole.probes.balancers.haproxy_lines import HaproxyFiles, version_of
from haconsole.probes.balancers.keepalived_files import files_of, parts_of
from haconsole.scripts import load_script

DEFAULT_CONFIG = "/etc/haproxy/haproxy.cfg"

_VERSION = re.compile(r"^HA-?Proxy version ([0-9][0-9.]*)", re.MULTILINE)
_FEATURES = re.compile(r"^Feature list *: *(.*)$", re.MULTILINE)


def discovered() -> str:
    """Shell commands that print the configuration of the running haproxy, else the usual one."""
    return f"{load_script('lib/haproxy-files')}\necho '=part= files'\nshow_haproxy 2>/dev/null"


def config_of(output: str) -> HaproxyFiles:
    """The configuration by the output of `discovered`."""
    parts = parts_of(output)
    files = files_of(parts.get("files", ""))
    version = _VERSION.search(parts.get("version", ""))
    features = _FEATURES.search(parts.get("version", ""))
    return HaproxyFiles(
        texts=tuple(files.values()),
        paths=tuple(files),
        environment=dict(line.split("=", 1) for line in parts.get("environment", "").split("\n") if "=" in line),
        version=version_of(version[1]) if version else None,
        features={word[1:]: word[0] == "+" for word in features[1].split() if word[0] in "+-"} if features else {},
    )
