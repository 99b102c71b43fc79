"""Rotation of certificates: leaf certificates, and CAs."""
