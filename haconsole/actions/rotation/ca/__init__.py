"""Rotation of CAs and service-account keys in three phases: trust both, sign with the new, drop the old. Its undo."""
