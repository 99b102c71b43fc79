"""The practice cluster: real Debian hosts on this machine, each with its own systemd, sshd and network."""
