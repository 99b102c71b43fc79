"""The executor: runs the steps of a plan."""
