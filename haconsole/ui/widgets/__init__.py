"""Widgets that draw a view; none of them queries anything."""
