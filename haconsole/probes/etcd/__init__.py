"""Queries of etcd members: access, status, metrics and hashes."""
