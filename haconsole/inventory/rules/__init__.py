"""Rules between the values of an inventory: pure functions from an inventory to faults."""
