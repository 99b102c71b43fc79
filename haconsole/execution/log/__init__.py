"""The log of a run, and how it is read, resumed and undone."""
