"""keepalived and the virtual addresses it moves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from haconsole.model.names import HostName, Vip


class VrrpState(StrEnum):
    """States of a VRRP instance as keepalived names them (RFC 5798 section 6.4, plus FAULT)."""

    MASTER = "MASTER"
    BACKUP = "BACKUP"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class VrrpInstance:
    """One vrrp_instance of keepalived.conf and the state keepalived last entered (None when it could not be told)."""

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


@dataclass(frozen=True, slots=True)
class KeepalivedFacts:
    """keepalived on one host; `forced_down` tells that the file which forces a failover is there."""

    version: str | None
    instances: tuple[VrrpInstance, ...]
    forced_down: bool = False


class VipState(StrEnum):
    OWNED = "owned"
    UNOWNED = "unowned"
    SPLIT = "split"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VipView:
    """Who holds a virtual address, over all balancer hosts. UNKNOWN when a host that could hold it was not heard."""

    address: Vip
    state: VipState
    owners: tuple[HostName, ...]
    unheard: tuple[HostName, ...]
