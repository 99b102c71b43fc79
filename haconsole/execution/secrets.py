"""Puts the values of secrets into commands just before they go to a host; a plan has only the secrets' names."""

from __future__ import annotations

import re

from haconsole.configs.owner import close_seal
from haconsole.errors import HaconsoleError
from haconsole.inventory.schema import Inventory

_NAMED = re.compile(r"@secret:([a-z-]+)/([^@\s]+)@")


def fill_in(content: str, inventory: Inventory) -> str:
    """`content` with every ``@secret:KIND/NAME@`` replaced by the inventory's value, and its seal closed over that.

    An unknown name is an error.
    """
    known = {f"vrrp-auth/{vip.address.partition('/')[0]}": vip.auth_pass for vip in inventory.vips}

    def value(match: re.Match[str]) -> str:
        name = f"{match[1]}/{match[2]}"
        secret = known.get(name)
        if secret is None:
            raise HaconsoleError(
                f"the plan needs the secret {name}, which the inventory does not have", hint="plan again"
            )
        return secret.reveal()

    return close_seal(_NAMED.sub(value, content))


def names_a_secret(content: str) -> bool:
    return _NAMED.search(content) is not None
