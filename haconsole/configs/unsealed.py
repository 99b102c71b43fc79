"""Recognises balancer files that version 0.1 wrote: they have the mark, but no seal that would prove a change.

Such a file counts as unchanged while its lines are those rendered now, in the same order. Values of an inventory that
may have changed since may differ: addresses, names, ports, priorities, interfaces, passwords, and the number of
servers, peers and VIPs. Writing the file again replaces these by the inventory's values in any case. Any other change,
such as a time-out, a check or a further section, is detected.
"""

from __future__ import annotations

import re

from haconsole.configs.owner import unsealed

_VALUES = (
    (r"(# haconsole: cluster|(?:virtual_)?router_id|priority|advert_int|interface|version) \S+", r"\1 X"),
    (r"(script|vrrp_instance|listen|bind|balance|stats socket) \S+", r"\1 X"),
    (r"ca-file \S+", "ca-file X"),
    (r"nbsrv\(\S+\)", "nbsrv(X)"),
    (r"RuntimeDirectory=\S+", "RuntimeDirectory=X"),
    (r"/dev/tcp/127\.0\.0\.1/\d+", "/dev/tcp/X"),
    (r"^\[ -e \S+ \] && exit 1$", "[ -e X ] && exit 1"),
    (r"^# The file \S+ makes", "# The file X makes"),
)
"""Single-line values, and their placeholders."""

_LISTS = (
    r"^    server \S+ \S+:\d+\n",
    r"^        [0-9a-f.:/]+\n",
    r"^    (?:uni|m)cast_src_ip \S+\n",
    r"^    unicast_peer \{\n    \}\n",
    r"^    nopreempt\n",
    r"^    authentication \{\n        auth_type PASS\n        auth_pass \S+\n    \}\n",
    r"^RuntimeDirectoryPreserve=yes\n",
)
"""Optional or repeated lines."""

_SAME_INSTANCE = re.compile(r"(^vrrp_instance X \{\n(?:    .*\n)*\}\n)(?:\n?\1)+", re.MULTILINE)


def same_but_for_the_inventory(text: str, rendered: str) -> bool:
    """Whether `text` is what is `rendered` now except for values of the inventory; both with or without a seal."""
    return _shape(text) == _shape(rendered)


def _shape(text: str) -> str:
    text = unsealed(text)
    for pattern in _LISTS:
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    for pattern, mask in _VALUES:
        text = re.sub(pattern, mask, text, flags=re.MULTILINE)
    return _SAME_INSTANCE.sub(r"\1", text)
