"""Whole screens and the windows over them."""
