"""Queries of API servers: their state, nodes, leases and kubeadm's records."""
