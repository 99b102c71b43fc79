"""Other tools' files become the inventories beside them; nothing in such a file raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haconsole.cli.main import run
from haconsole.errors import ExitCode
from haconsole.inventory.importers.ansible import VariableFiles
from haconsole.inventory.importers.draft import Draft, HostDraft, write
from haconsole.inventory.importers.k0sctl import from_k0sctl
from haconsole.inventory.importers.kubeasz import ConfigFile, from_kubeasz
from haconsole.inventory.importers.kubekey import from_kubekey
from haconsole.inventory.importers.kubespray import from_kubespray
from haconsole.inventory.importers.plain import read_yaml
from haconsole.inventory.load import examine, parse
from haconsole.inventory.nodes import compose
from haconsole.inventory.problems import InventoryError
from haconsole.inventory.schema import Inventory
from tests.unit.inventory.test_import_kubeasz import HOSTS as KUBEASZ
from tests.unit.inventory.test_import_kubekey import FILE as KUBEKEY

FOLDER = Path(__file__).parent / "imports"
KUBESPRAY = ["stacked/inventory.ini", "cloud/inventory.cfg", "yaml/hosts.yaml"]
K0SCTL = ["homelab.yaml", "bastion.yaml"]
INCOMPLETE = {"cloud", "bastion"}


def imported(tool: str, name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(FOLDER / tool)
    return run(["import", tool, name])


@pytest.mark.parametrize(
    ("tool", "name"), [*(("kubespray", name) for name in KUBESPRAY), *(("k0sctl", name) for name in K0SCTL)]
)
def test_the_inventory_is_the_one_that_was_written_down(
    tool: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = imported(tool, name, monkeypatch)
    captured = capsys.readouterr()
    path = FOLDER / tool / name
    expected = (path.parent if tool == "kubespray" else path.with_suffix("")).with_suffix(".expected")
    assert captured.out == expected.read_text(encoding="utf-8")
    assert "hunter2" not in captured.out + captured.err
    assert status == (ExitCode.INVALID_INVENTORY if expected.stem in INCOMPLETE else ExitCode.OK)
    assert bool(captured.err) == (expected.stem in INCOMPLETE)


def test_problems_to_fix_go_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    imported("kubespray", "cloud/inventory.cfg", monkeypatch)
    errors = capsys.readouterr().err.splitlines()
    assert [line.split("; ")[0].split(": ")[1] for line in errors] == [
        f"host my-etcd-{number} has no address" for number in (1, 2, 3)
    ]


def test_a_range_of_hosts_is_counted_out() -> None:
    draft = from_kubespray(b"[etcd]\nnode[08:10] ansible_user=root\n", "hosts", "c", VariableFiles())
    assert [host.name for host in draft.hosts] == ["node08", "node09", "node10"]
    assert draft.hosts[2].etcd_name == "etcd3"


def test_a_group_is_wider_than_its_children() -> None:
    text = b"[etcd]\na\nb\n[all:vars]\nansible_user=one\n[etcd:vars]\nansible_user=two\n[kube_node]\nb ansible_port=2\n"
    files = VariableFiles({"all": {"ansible_port": 9}, "kube_node": {"ansible_user": "three"}})
    draft = from_kubespray(text, "hosts", "c", files)
    ways = {host.name: (host.ssh["user"], host.ssh["port"]) for host in draft.hosts}
    assert ways == {"a": ("two", 9), "b": ("three", 2)}


def test_merge_keys_and_tags_of_other_tools_are_read() -> None:
    text = b"base: &b {user: root, port: 1}\nssh: {<<: *b, port: 2, key: !vault hidden}\n"
    assert read_yaml(text, "f")["ssh"] == {"user": "root", "port": 2, "key": None}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x1F", 31),
        ("0777", 511),
        ("0b11", 3),
        ("1_000", 1000),
        ("+5", 5),
        ("08", "08"),
        ("!!str 5", "5"),
        ("!!int '7'", 7),
        ("_1", "_1"),
    ],
)
def test_numbers_are_those_of_yaml_1_1(text: str, value: object) -> None:
    assert read_yaml(f"a: {text}\n".encode(), "f") == {"a": value}


@pytest.mark.parametrize(
    ("text", "output"),
    [
        (b"[kube_node", "hosts:1:1: section '[kube_node' is not understood"),
        (b"[etcd]\na 'b\n", "hosts:2:1: a quote that opens in this line is not closed"),
        (b"[etcd]\na[1:100000]\n", "hosts:2:1: range 'a[1:100000]' is too long"),
        (b"[web]\nhost\n", "hosts:1:1: there is no host in the groups"),
        (b"all: [\n", "hosts:2:1: a value is missing here"),
        (b"\xff", "hosts:1:1: byte 0xff is not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_at_its_place(text: bytes, output: str) -> None:
    with pytest.raises(InventoryError) as excinfo:
        from_kubespray(text, "hosts", "c", VariableFiles())
    assert str(excinfo.value.problems[0]).startswith(output)


def test_k0sctl_files_are_known_by_their_kind() -> None:
    with pytest.raises(InventoryError, match=r"k\.yaml:1:1: this is not a cluster file of k0sctl"):
        from_k0sctl(b"kind: Cluster\nspec: {hosts: [{role: controller}]}\n", "k.yaml")


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.text(), st.text(), st.text())
def test_whatever_is_written_is_read_back(name: str, user: str, note: str) -> None:
    host = HostDraft("cp1", "10.0.0.1", ("etcd",), {"user": user, "identity_file": name})
    text = write(Draft(note, name or "c", (host,), notes=(note,), etcd={"token": name}))
    document = read_yaml(text.encode(), "f")
    assert document["cluster"] == (name or "c")
    assert document.get("ssh", {}).get("user", "") == user


@pytest.mark.parametrize(
    "value", ["on", "~", "-", "1", "1.20", "a: b", "#", "null", "10.0.0.1", "[a]", "x:", "1e3", "+1"]
)
def test_text_stays_text(value: str) -> None:
    host = HostDraft("cp1", "10.0.0.1", ("etcd",))
    document = read_yaml(write(Draft("s", value, (host,))).encode(), "f")
    assert document["cluster"] == value


KINDS: dict[str, Callable[[bytes], Draft]] = {
    "kubespray": lambda data: from_kubespray(data, "f", "c", VariableFiles()),
    "k0sctl": lambda data: from_k0sctl(data, "f"),
    "kubeasz": lambda data: from_kubeasz(data, "f", "c", ConfigFile(), VariableFiles()),
    "kubekey": lambda data: from_kubekey(data, "f"),
}
FILES = [("kubespray", (FOLDER / "kubespray" / name).read_bytes()) for name in KUBESPRAY]
FILES += [("k0sctl", (FOLDER / "k0sctl" / name).read_bytes()) for name in K0SCTL]
FILES += [("kubeasz", KUBEASZ.encode()), ("kubekey", KUBEKEY.encode())]
PIECES = [
    b"\n",
    b" ",
    b": ",
    b"- ",
    b"[",
    b"]",
    b"'",
    b'"',
    b"=",
    b"#",
    b"{{ x }}",
    b"\x00",
    b"\xff",
    b"[1:9]",
    b"null",
]


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.sampled_from(PIECES)), max_size=4),
)
def test_a_file_with_slips_gives_an_inventory_or_problems(
    file: tuple[str, bytes], slips: list[tuple[float, int, bytes]]
) -> None:
    tool, data = file
    for place, cut, piece in slips:
        at = int(place * len(data))
        data = data[:at] + piece + data[at + cut :]
    try:
        text = write(KINDS[tool](data))
    except InventoryError as error:
        text, problems = "", error.problems
    else:
        compose(text)
        problems = examine(text, "f", Path("/base")).problems
        assert isinstance(parse(text, "f", Path("/base")), Inventory | tuple)
    assert text or problems
    assert all(problem.mark.line >= 1 for problem in problems)
