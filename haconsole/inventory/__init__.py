"""The inventory: what a cluster should be, written by a person, checked before anything believes it."""
