"""Rotation of CAs and service-account keys: trusted beside the old ones, signing, only; and its undo."""
