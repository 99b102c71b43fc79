"""Widgets that take a view and draw it; none of them asks anything of anybody."""
