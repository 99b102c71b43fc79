"""The only package that performs steps: executor, run log, events."""
