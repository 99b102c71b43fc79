"""The practice cluster: real hosts on this machine."""
