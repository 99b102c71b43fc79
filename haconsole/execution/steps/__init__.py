"""The life of a run and of its steps."""
