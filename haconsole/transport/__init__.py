"""How hosts are reached: SSH, and the protocols spoken through it."""
