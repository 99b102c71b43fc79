"""Join, remove and replace hosts of a cluster that runs, without losing a write."""
