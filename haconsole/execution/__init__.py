"""The only place that performs steps: executor, journal, events."""
