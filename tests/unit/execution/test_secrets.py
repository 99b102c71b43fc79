"""Secrets named in a plan are filled in from the inventory, and only there."""

from __future__ import annotations

import pytest

from haconsole.errors import HaconsoleError
from haconsole.execution.secrets import fill_in, names_a_secret
from haconsole.inventory.schema import Inventory, VirtualIp
from haconsole.model.secret import Secret

INVENTORY = Inventory(cluster="lab", hosts=(), vips=(VirtualIp(address="10.99.0.100/24", auth_pass=Secret("s3cret")),))


def test_a_named_secret_is_filled_in() -> None:
    content = "auth_type PASS\nauth_pass @secret:vrrp-auth/10.99.0.100@\n"
    assert names_a_secret(content)
    assert fill_in(content, INVENTORY) == "auth_type PASS\nauth_pass s3cret\n"


def test_other_content_stays_as_it_is() -> None:
    content = "contact admin@secret.example @secret@ user@host"
    assert not names_a_secret(content)
    assert fill_in(content, INVENTORY) == content


def test_an_unknown_secret_is_an_error_that_names_it() -> None:
    with pytest.raises(HaconsoleError, match=r"vrrp-auth/10\.99\.0\.200"):
        fill_in("@secret:vrrp-auth/10.99.0.200@", INVENTORY)
