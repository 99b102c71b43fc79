"""Masks the secrets of a cluster in texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from haconsole.inventory.schema import Inventory
from haconsole.model.secret import Secret
from haconsole.transport.redact import redact, redact_certain


def redactor(inventory: Inventory) -> Callable[[str], str]:
    """Masks secrets, those of the inventory too."""
    return partial(redact, secrets=_known(inventory))


def certain_redactor(inventory: Inventory) -> Callable[[str], str]:
    """Masks the secrets of the inventory and private keys only, so that JSON without other secrets stays JSON."""
    return partial(redact_certain, secrets=_known(inventory))


def _known(inventory: Inventory) -> tuple[Secret, ...]:
    return tuple(vip.auth_pass for vip in inventory.vips if vip.auth_pass is not None)
