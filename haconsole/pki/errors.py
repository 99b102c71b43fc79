"""The error classes for keys and certificates."""

from __future__ import annotations

from haconsole.errors import HaconsoleError


class PkiError(HaconsoleError):
    """A key, request or certificate that cannot be read or must not be used."""
