"""Join, remove and replace hosts of a running cluster, without losing a write."""
