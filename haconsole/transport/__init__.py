"""Connections to hosts: SSH, and the protocols through it."""
