"""Screens, and the windows over them."""
