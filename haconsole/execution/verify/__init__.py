"""Preconditions and verifications, evaluated on hosts."""
