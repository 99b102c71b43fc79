"""Queries of balancers: haproxy, keepalived and their configuration."""
