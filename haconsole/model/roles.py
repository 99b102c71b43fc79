"""The roles of hosts."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of a host. A host may have several roles; a bastion only forwards connections."""

    ETCD = "etcd"
    CONTROL_PLANE = "control-plane"
    LOAD_BALANCER = "load-balancer"
    WORKER = "worker"
    BASTION = "bastion"
