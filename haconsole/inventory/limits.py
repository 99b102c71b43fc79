"""The size limit of an inventory file."""

MAX_BYTES = 1 << 20
"""No more than this and one byte is read of a file, which may be endless."""
