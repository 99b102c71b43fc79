"""Everything known of one thing, with the reasons for unknown facts."""
