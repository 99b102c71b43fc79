"""Builders of steps that several actions share."""
