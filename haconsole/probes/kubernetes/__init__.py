"""Clients of API servers, their state, and leader locks."""
