"""What the values of an inventory must agree on: pure functions from an inventory to faults."""
