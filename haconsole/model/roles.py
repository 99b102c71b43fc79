"""What hosts are for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a host is for. A host may have several roles; a bastion only passes connections on."""

    ETCD = "etcd"
    CONTROL_PLANE = "control-plane"
    LOAD_BALANCER = "load-balancer"
    WORKER = "worker"
    BASTION = "bastion"
