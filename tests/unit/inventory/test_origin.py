"""Where the settings of an inventory are set."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haconsole.inventory.origin import FileOrigin, origin_of

TEXT = """\
cluster: prod
# changed only with the team's agreement
guardrails:
  - rule: refuse
    reason: Rebuilt by the pipeline.
  - rule: typed-name
    reason: Call the on-call first.
read_only: true
hosts: [{name: cp1, address: 10.0.0.1, roles: [etcd]}]
"""


def test_a_setting_has_the_line_where_it_is_set(tmp_path: Path) -> None:
    path = tmp_path / "prod.yaml"
    path.write_text(TEXT)
    os.utime(path, (0, 86400))
    origin = origin_of(path)
    assert origin.changed_at == datetime(1970, 1, 2, tzinfo=UTC)
    assert origin.owner == path.owner()
    names = ("read_only", "guardrails 1", "guardrails 2", "theme")
    assert [origin.place(name) for name in names] == [f"{path}:8", f"{path}:4", f"{path}:6", str(path)]


@pytest.mark.parametrize("text", [None, "cluster: [", "just a text"])
def test_of_a_file_that_cannot_be_read_only_the_name_is_known(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "prod.yaml"
    if text is not None:
        path.write_text(text)
    assert origin_of(path).place("read_only") == str(path)
    assert origin_of(path).lines == ()
    if text is None:
        assert origin_of(path) == FileOrigin(str(path))
