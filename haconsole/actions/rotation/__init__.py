"""Certificates rotated: leaves, and the CAs themselves."""
