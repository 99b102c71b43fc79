"""Rules that derive findings from a snapshot. No input or output."""
