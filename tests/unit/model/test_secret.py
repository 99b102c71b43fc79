"""A secret is shown only on an explicit call."""

from __future__ import annotations

import msgspec
import pytest

from haconsole.model.secret import Secret


def test_a_secret_is_masked_wherever_it_is_printed() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in repr((secret, {"key": secret}))
    assert secret.reveal() == "hunter2"
    assert (secret == Secret("hunter2"), secret == Secret("other"), secret == "hunter2") == (True, False, False)


def test_a_secret_refuses_to_be_text() -> None:
    with pytest.raises(TypeError, match="reveal"):
        str(Secret("hunter2"))
    with pytest.raises(TypeError, match="reveal"):
        f"{Secret('hunter2')}"
    with pytest.raises(TypeError, match="unsupported"):
        msgspec.json.encode({"password": Secret("hunter2")})
