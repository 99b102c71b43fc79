"""Any bytes become an inventory or problems with a place, never an exception."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.inventory import effective
from haconsole.inventory.load import Examined, examine, parse
from haconsole.inventory.schema import Inventory
from haconsole.model.hosts import Role

SAMPLES = [path.read_bytes() for path in sorted((Path(__file__).parents[3] / "sample-inventories").glob("*.yaml"))]
PIECES = [
    b"\n",
    b"  ",
    b"\t",
    b": ",
    b"- ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"!!set ",
    b"---\n",
    b"'",
]
PIECES += [b'"', b"#", b"|\n", b"\\", b"\x00", b"\xff", b"\xe2\x80\xae", b"$(id)", b";", b"null", b"9" * 400, b"1e400"]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    22,
    65536,
    10**30,
    0.5,
    "",
    "cp1",
    "etcd",
    "10.99.0.11",
    "2001:db8::1",
    "10.0.0.0/8",
]
VALUES += [
    "10.99.0.100/24",
    "0.0.0.0/0",
    "a;b",
    "a\nb",
    "none",
    "static-pod",
    "~/x",
    "/var/lib/etcd",
    "x:6443",
    "[::1]:1",
    "\u202e",
]

once = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def _keys(kind: inspect.Type) -> set[str]:
    """Every key that the schema has anywhere."""
    match kind:
        case inspect.Metadata(type=inner) | inspect.VarTupleType(item_type=inner):
            return _keys(inner)
        case inspect.UnionType(types=types):
            return set().union(*(_keys(each) for each in types))
        case inspect.StructType(fields=fields):
            return {entry.name for entry in fields}.union(*(_keys(entry.type) for entry in fields))
        case _:
            return set()


KEYS = sorted(_keys(inspect.type_info(Inventory)))
mutations = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES) | st.binary(max_size=4)), max_size=4
)
trees = st.recursive(
    st.sampled_from(VALUES),
    lambda child: st.lists(child, max_size=4) | st.dictionaries(st.sampled_from(KEYS), child, max_size=6),
    max_leaves=25,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sample with a few spans cut out and a few pieces put in."""
    data = draw(st.sampled_from(SAMPLES))
    for place, cut, piece in draw(mutations):
        at = int(place * len(data))
        data = data[:at] + piece + data[at + cut :]
    return data


def judged(data: bytes) -> Examined:
    """Examine, and hold the answer to what it promises."""
    examined = examine(data, "any.yaml", Path("/base"))
    assert (examined.inventory is None) == bool(examined.errors)
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2\x80") + 1
    for problem in examined.problems:
        assert 1 <= problem.mark.line <= lines + 1
        assert problem.mark.column >= 1
        assert problem.what
        assert problem.hint
        assert str(problem).isprintable()
    if examined.inventory is not None:
        ask_everything(examined.inventory)
    return examined


def ask_everything(inventory: Inventory) -> None:
    """An inventory that was accepted answers every question of the other layers."""
    assert all(effective.ssh_for(inventory, host).port for host in inventory.hosts)
    assert all(effective.etcd_peer_url(inventory, host) for host in inventory.hosts)
    assert all(0 <= effective.vip_prefix(vip) <= 128 for vip in inventory.vips)
    priorities = effective.vrrp_priorities(inventory)
    assert len(set(priorities.values())) == len(inventory.with_role(Role.LOAD_BALANCER))
    assert (effective.endpoint(inventory) is None) == (inventory.kubernetes is None)
    assert (effective.service_ip(inventory) is None) == (inventory.kubernetes is None)


@once
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    judged(data)


@once
@given(st.lists(st.sampled_from(PIECES + [key.encode() for key in KEYS]), max_size=40))
def test_any_pieces_of_yaml(pieces: list[bytes]) -> None:
    judged(b"".join(pieces))


@settings(once, max_examples=250)
@given(mutated())
def test_samples_with_slips(data: bytes) -> None:
    judged(data)


@settings(once, max_examples=80)
@given(st.dictionaries(st.sampled_from(sorted(Inventory.__struct_fields__)), trees, max_size=8))
def test_any_tree_of_known_keys(tree: dict[str, Any]) -> None:
    judged(json.dumps(tree).encode())


@settings(once, max_examples=60)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    assert isinstance(parse(text, "any.yaml", Path("/base")), Inventory | tuple)


@settings(once, max_examples=25)
@given(data=mutated())
def test_check_ends_with_0_or_5(
    data: bytes, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    status = run(["check", str(path)])
    assert status in (ExitCode.OK, ExitCode.INVALID_INVENTORY)
    assert str(path) in capsys.readouterr().out
