"""The state of hosts, read by commands."""
