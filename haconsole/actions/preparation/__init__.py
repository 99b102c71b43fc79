"""Planner of prepare: a machine with only sshd and sudo becomes one that bootstrap and join can use."""
