"""The states of a cluster in a file: every snapshot with its time, for a replay."""
