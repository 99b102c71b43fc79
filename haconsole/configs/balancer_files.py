"""The files that this console writes on a balancer."""

from __future__ import annotations

from haconsole.configs.haproxy import haproxy_cfg, haproxy_drop_in
from haconsole.configs.keepalived import keepalived_check, keepalived_conf, keepalived_drop_in
from haconsole.configs.layout import Layout, layout
from haconsole.configs.unsealed import same_but_for_the_inventory
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
