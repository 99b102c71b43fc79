"""Failures of kubeadm clusters that a command brings about on one host, and the finding that must name the cause."""

from __future__ import annotations

from tests.hosts.kubeadm_modes_of_hosts import OF_HOSTS
from tests.hosts.kubeadm_modes_of_planes import OF_PLANES

MODES = (*OF_HOSTS, *OF_PLANES)
