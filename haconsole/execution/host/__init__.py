"""Commands, queries and files on a host."""
