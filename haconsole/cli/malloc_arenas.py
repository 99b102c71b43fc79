"""Limits the C library's memory arenas, which would otherwise double a console's size within half an hour."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
"""The parameter of mallopt(3) for glibc."""
ARENAS = 2


def limit_arenas() -> None:
    """Let threads share ARENAS arenas; each of some 15 threads otherwise keeps one of its own, with up to 15 MB.

    It is for arenas that are made later, so call it before the threads that read hosts. Only glibc has them.
    """
    try:
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    except (AttributeError, OSError):
        return
