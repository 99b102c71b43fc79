"""Identities that must not be mixed up, each with a type of its own."""

from __future__ import annotations

from typing import NewType

HostName = NewType("HostName", str)
"""The name of a host in the inventory."""

MemberId = NewType("MemberId", str)
"""An etcd member's ID in lower-case hexadecimal without leading zeros, as etcdctl prints it."""

Vip = NewType("Vip", str)
"""A virtual IP address without prefix length, e.g. ``10.99.0.100``."""

StepId = NewType("StepId", str)
"""Unique in a plan and stable between two plans of the same request, e.g. ``etcd.unit@cp1``."""
