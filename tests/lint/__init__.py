"""Checks of the project's wording, run by `make lint`."""
