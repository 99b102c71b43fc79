"""Screens of the console, and windows over them."""
