"""The path of a request: its values, how they are derived from a snapshot, and how they are drawn."""
