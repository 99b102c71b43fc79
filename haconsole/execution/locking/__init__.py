"""The lock that lets one console at a time change a cluster."""
