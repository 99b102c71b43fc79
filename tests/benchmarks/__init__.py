"""Measurements run by hand; each prints figures beside something measured in the same run, and judges nothing."""
