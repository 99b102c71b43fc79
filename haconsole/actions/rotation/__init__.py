"""Rotation of certificates: leaves, and the CAs themselves."""
