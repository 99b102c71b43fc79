"""Nodes of the cluster: drained, deleted, joined."""
