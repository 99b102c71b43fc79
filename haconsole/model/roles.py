"""The roles that a host can have: etcd, control plane, load balancer, worker, bastion."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of a host. A host may have several roles; a bastion only forwards connections."""

    ETCD = "etcd"
    CONTROL_PLANE = "control-plane"
    LOAD_BALANCER = "load-balancer"
    WORKER = "worker"
    BASTION = "bastion"


LOCK_ROLES = (Role.ETCD, Role.CONTROL_PLANE, Role.LOAD_BALANCER)
"""Hosts with one of these roles keep the cluster's lock: actions change them, and they exist before any etcd."""
