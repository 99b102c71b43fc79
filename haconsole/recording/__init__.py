"""Recordings: every snapshot of a cluster with its time in a file, for a replay."""
