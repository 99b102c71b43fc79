"""A draft of an inventory from one host of a cluster."""
