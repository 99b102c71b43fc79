"""keepalived's configuration with all it may include, and how its process was started, read on its host by a shell.

The included files are searched generously, since only `keepalived_lines` knows which lines count: a file too many is
printed and not used.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from haconsole.probes.balancers.keepalived_lines import ConfigFiles
from haconsole.scripts import load_script

PART, _FILE = "=part=", "=file="
_WITHOUT_VALUE = "vhlndDRemGPCaBVIXxTLO"

DEFAULT_CONFIG = "/etc/keepalived/keepalived.conf"

FUNCTIONS = load_script("lib/keepalived-files")
"""`show_files PATH` prints a configuration and what it may include, `started_by PROCESS PATH` how its process was
started, `named_config PROCESS` the configuration it was given."""

_WITH_VALUE = {"u": "umask", "S": "log-facility", "f": "use-file", "p": "pid", "r": "vrrp_pid", "c": "checkers_pid"} | {
    "b": "bfd_pid",
    "A": "snmp-agent-socket",
    "s": "namespace",
    "i": "config-id",
}


def discovered() -> str:
    """Shell commands that print the configuration of the running keepalived, else the usual one."""
    return f"""\
{FUNCTIONS}
{load_script("lib/host-path")}
config={DEFAULT_CONFIG}
process=$(process_of keepalived)
[ -z "$process" ] || named=$(named_config "$process" 2>/dev/null)
config=${{named:-$config}}
[ -z "$process" ] || there=$(host_path "$process" "$config")
config=${{there:-$config}}
echo '{PART} files'
(show_files "$config")
echo '{PART} node'
uname -n
[ -z "$process" ] || started_by "$process" "$config" 2>/dev/null
:"""


def parts_of(text: str) -> dict[str, str]:
    """The text after each line ``=part= NAME``, by that name."""
    pieces = re.split(rf"^{PART} (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def config_of(parts: Mapping[str, str]) -> ConfigFiles:
    """The configuration by the parts ``files`` (of `show_files`), ``node``, ``command`` and ``environment``."""
    texts = files_of(parts.get("files", ""))
    options = options_of(parts.get("command", "").splitlines()[1:])
    environment = dict(line.split("=", 1) for line in parts.get("environment", "").splitlines() if "=" in line)
    main = next(iter(texts), DEFAULT_CONFIG)
    node = parts.get("node", "").strip()
    return ConfigFiles(main, texts or {main: ""}, options.get("config-id", node.partition(".")[0]), environment)


def files_of(text: str) -> dict[str, str]:
    """Files by their full paths, in the order of `show_files`: the configuration itself first."""
    pieces = re.split(rf"^{_FILE} (/.*)$\n?", text, flags=re.MULTILINE)
    result: dict[str, str] = {}
    for path, content in zip(pieces[1::2], pieces[2::2], strict=True):
        result.setdefault(posixpath.normpath(path), content)
    return result


def options_of(words: list[str]) -> dict[str, str]:
    """The options with a value that keepalived was started with, by their long names; the last of each counts."""
    arguments = iter(words)
    result: dict[str, str] = {}
    for word in arguments:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in _WITH_VALUE.values():
                result[name] = value if equals else next(arguments, "")
        elif word.startswith("-"):
            flags = word[1:].lstrip(_WITHOUT_VALUE)
            if flags[:1] in _WITH_VALUE:
                result[_WITH_VALUE[flags[0]]] = flags[1:] or next(arguments, "")
    return result
