"""Renders the configuration files that hosts get, and knows their paths. No input or output."""
