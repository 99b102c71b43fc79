"""What a cluster was seen to do, kept in a file: every snapshot with its time, to be looked at again."""
