"""keepalived and the virtual addresses it moves."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from haconsole.model.names import HostName, Vip

KUBE_VIP = "kube-vip"
"""The static pod that holds a VIP for as long as it holds a lease."""


class VrrpState(StrEnum):
    """States of a VRRP instance as keepalived names them (RFC 5798 section 6.4, plus FAULT)."""

    MASTER = "MASTER"
    BACKUP = "BACKUP"
    FAULT = "FAULT"


class VrrpInstance(msgspec.Struct, frozen=True):
    """One vrrp_instance of keepalived.conf and the state keepalived last entered (None if unknown)."""

    name: str
    state: VrrpState | None
    interface: str
    router_id: int
    priority: int
    vips: tuple[Vip, ...]
    advert_int_s: float = 1.0
    unicast_peers: tuple[str, ...] = ()
    nopreempt: bool = False
    auth_fingerprint: str | None = None
    track_weights: tuple[int, ...] = ()


class KeepalivedFacts(msgspec.Struct, frozen=True):
    """keepalived on one host; `forced_down` is whether the file that forces a failover exists.

    `adverts_dropped`: a rule of the host's nftables drops VRRP, and none of haconsole's accepts it before.
    """

    version: str | None
    instances: tuple[VrrpInstance, ...]
    forced_down: bool = False
    adverts_dropped: bool = False


class LeasedVip(msgspec.Struct, frozen=True):
    """A VIP that kube-vip moves between control planes: the holder of the lease should have the address."""

    address: Vip
    lease: str
    """Name of the lease in the namespace kube-system."""


class VipState(StrEnum):
    OWNED = "owned"
    UNOWNED = "unowned"
    SPLIT = "split"
    UNKNOWN = "unknown"


class VipView(msgspec.Struct, frozen=True):
    """The owners of a virtual address, over all hosts that can hold it.

    UNKNOWN if a host that could hold it did not answer, or if several owners were observed for a moment only.
    """

    address: Vip
    state: VipState
    owners: tuple[HostName, ...]
    unheard: tuple[HostName, ...]
