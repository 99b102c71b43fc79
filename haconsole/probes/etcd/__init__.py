"""Clients of etcd on hosts, and what its members report."""
