"""Readings of etcd's metrics."""

from __future__ import annotations

from haconsole.model.metrics import EtcdMetrics, Histogram

BOUNDS = tuple(0.001 * 2**power for power in range(14))
"""The upper bounds of etcd's histogram of WAL fsyncs, in seconds."""


def fsyncs(clock_s: float, fast: int, slow: int) -> EtcdMetrics:
    """A reading after so many writes of under 2 ms, and of over 256 ms."""
    counts = tuple(0 if binding < 0.002 else fast if binding < 0.5 else fast + slow for binding in BOUNDS)
    return EtcdMetrics(clock_s, Histogram(BOUNDS, (*counts, fast + slow)))
