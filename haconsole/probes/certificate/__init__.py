"""The certificates on hosts: which files are read, and what they hold."""
