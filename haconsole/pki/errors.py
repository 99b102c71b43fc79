"""What goes wrong with keys and certificates, told in words."""

from __future__ import annotations

from haconsole.errors import HaconsoleError


class PkiError(HaconsoleError):
    """A key, request or certificate that cannot be read or must not be used."""
