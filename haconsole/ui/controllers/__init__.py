"""Controllers: what keys and messages start, run by the console."""
