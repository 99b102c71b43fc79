"""Inventories made from other tools' files; comments list what those files do not contain."""
