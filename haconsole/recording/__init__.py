"""The flight recorder: the stream of snapshots, written and replayed."""
