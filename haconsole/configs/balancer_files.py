"""The paths of haproxy's and keepalived's files on a balancer, and files as version 0.1 wrote them."""

from __future__ import annotations

import re

from haconsole.configs.haproxy import haproxy_cfg, haproxy_drop_in
from haconsole.configs.keepalived import keepalived_check, keepalived_conf, keepalived_drop_in
from haconsole.configs.layout import Layout, layout
from haconsole.configs.owner import unsealed
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Host, Inventory


def haproxy_files(places: Layout) -> tuple[str, ...]:
    """Configuration first."""
    haproxy = places.haproxy
    return (haproxy.config_file, haproxy.drop_in) if haproxy else ()


def keepalived_files(places: Layout) -> tuple[str, ...]:
    """Configuration first, then the check that it runs."""
    keepalived = places.keepalived
    return (keepalived.config_file, keepalived.check_script, keepalived.drop_in) if keepalived else ()


def as_0_1_wrote_it(inventory: Inventory, host: Host, path: str, text: str) -> bool:
    """Whether `text` at `path`, which bears the mark and no seal, is unchanged since version 0.1 wrote it.

    Values of the inventory do not count (see `configs.unsealed`); the host's interfaces are among them.
    """
    places = layout(inventory)
    interfaces = dict.fromkeys(vip_addresses(inventory), "X")
    renderers = {
        **dict(zip(haproxy_files(places), (haproxy_cfg, haproxy_drop_in), strict=False)),
        **dict(zip(keepalived_files(places)[1:], (keepalived_check, keepalived_drop_in), strict=False)),
    }
    try:
        if path in renderers:
            return same_but_for_the_inventory(text, renderers[path](inventory))
        return same_but_for_the_inventory(text, keepalived_conf(inventory, host, interfaces))
    except ValueError:
        return False


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
