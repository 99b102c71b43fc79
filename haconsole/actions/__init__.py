"""Planners: pure functions from (snapshot, inventory, request) to a plan or a refusal."""
