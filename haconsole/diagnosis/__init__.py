"""Pure rules from a snapshot to findings."""
