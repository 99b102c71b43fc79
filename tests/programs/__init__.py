"""Real programs run on loopback for tests, in temporary folders and on free ports."""
