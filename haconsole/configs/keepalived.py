"""keepalived.conf and the check it runs (keepalived 2.x; keepalived.conf(5))."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from haconsole.configs.haproxy import HEALTH_PATH
from haconsole.configs.layout import Layout, layout
from haconsole.configs.owner import owner_line, seal
from haconsole.inventory.effective import vip_address, vrrp_priority
from haconsole.inventory.schema import Host, Inventory, VirtualIp, VrrpMode
from haconsole.model.hosts import Role
from haconsole.model.names import Vip

CHECK_NAME = "api_behind_haproxy"


def keepalived_conf(inventory: Inventory, host: Host, interfaces: Mapping[Vip, str]) -> str:
    """The configuration of one balancer; `interfaces` names the interface of each VIP on this host.

    Passwords are named, not written: ``@secret:vrrp-auth/ADDRESS@`` (see `actions.operations.WriteFile`). The check has
    no weight: while it fails the instance is in FAULT and any other balancer takes over, whatever the priorities.
    """
    paths_of_layout = layout(inventory)
    instances = (_instance(inventory, host, vip, interfaces[vip_address(vip)]) for vip in inventory.vips)
    return seal("\n".join((owner_line(inventory), _global(host), _check(paths_of_layout), *instances)))


def keepalived_check(inventory: Inventory) -> str:
    """The script keepalived runs: 0 while this host should hold VIPs.

    It queries haproxy here for an available API server, using only bash, and fails while the `down` file exists.
    """
    paths_of_layout = layout(inventory)
    if paths_of_layout.keepalived is None or paths_of_layout.haproxy is None:
        raise ValueError("an inventory without VIP or load balancer has no check script")
    return seal(f"""\
#!/bin/bash
{owner_line(inventory)}
# Holds the VIP here while haproxy on this host has at least one API server up.
# The file {paths_of_layout.keepalived.down_file} makes this host give its VIPs up until it is removed.
[ -e {paths_of_layout.keepalived.down_file} ] && exit 1
exec 2>/dev/null 3<>/dev/tcp/127.0.0.1/{paths_of_layout.haproxy.health_port} || exit 1
printf 'GET {HEALTH_PATH} HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 1 _ status _ <&3
[ "$status" = 200 ]
""")


def keepalived_drop_in(inventory: Inventory) -> str:
    """A drop-in for the distribution's unit, which does not restart a crashed keepalived."""
    return seal(f"{owner_line(inventory)}\n[Service]\nRestart=always\nRestartSec=1\n")


def vrrp_version(vip: VirtualIp) -> int:
    """The VRRP version of an instance: 2, or 3 for IPv6 and for intervals with a fraction of a second.

    Version 3 has no authentication (RFC 5798, section 9).
    """
    ipv6 = ipaddress.ip_interface(vip.address).version == 6
    return 3 if ipv6 or not float(vip.advert_int_s).is_integer() else 2


def instance_name(vip: VirtualIp) -> str:
    """The name of the VIP's vrrp_instance, e.g. ``vip_10_99_0_100``."""
    return "vip_" + vip_address(vip).replace(".", "_").replace(":", "_")


def _global(host: Host) -> str:
    return f"""\
global_defs {{
    router_id {host.name}
    enable_script_security
    script_user root
    vrrp_garp_master_delay 1
    vrrp_garp_master_repeat 3
    vrrp_garp_master_refresh 60
    vrrp_garp_master_refresh_repeat 2
}}
"""


def _check(paths_of_layout: Layout) -> str:
    script = paths_of_layout.keepalived.check_script if paths_of_layout.keepalived else ""
    return f"""\
vrrp_script {CHECK_NAME} {{
    script "{script}"
    interval 1
    timeout 2
    fall 2
    rise 2
}}
"""


def _instance(inventory: Inventory, host: Host, vip: VirtualIp, interface: str) -> str:
    lines = (
        "state BACKUP",
        f"interface {interface}",
        f"version {vrrp_version(vip)}",
        f"virtual_router_id {vip.router_id}",
        f"priority {vrrp_priority(inventory, host)}",
        f"advert_int {vip.advert_int_s:g}",
        *(() if vip.preempt else ("nopreempt",)),
        *_peers(inventory, host, vip),
        *_authentication(vip),
        *_block("virtual_ipaddress", (vip.address,)),
        *_block("track_script", (CHECK_NAME,)),
    )
    body = "\n".join(f"    {line}" for line in lines)
    return f"vrrp_instance {instance_name(vip)} {{\n{body}\n}}\n"


def _peers(inventory: Inventory, host: Host, vip: VirtualIp) -> tuple[str, ...]:
    """The source and destination of adverts; a balancer without peers uses multicast, because unicast without a peer is
    an error.
    """
    others = tuple(peer.address for peer in inventory.with_role(Role.LOAD_BALANCER) if peer.name != host.name)
    if vip.mode is VrrpMode.MULTICAST or not others:
        return (f"mcast_src_ip {host.address}",)
    return (f"unicast_src_ip {host.address}", *_block("unicast_peer", others))


def _authentication(vip: VirtualIp) -> tuple[str, ...]:
    if vip.auth_pass is None or vrrp_version(vip) == 3:
        return ()
    return _block("authentication", ("auth_type PASS", f"auth_pass @secret:vrrp-auth/{vip_address(vip)}@"))


def _block(name: str, lines: tuple[str, ...]) -> tuple[str, ...]:
    return (f"{name} {{", *(f"    {line}" for line in lines), "}") if lines else ()
