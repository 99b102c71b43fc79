"""The journal screen: kept in order, filtered and marked, saved, never obeyed by the terminal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from haconsole.inventory.load import load
from haconsole.inventory.schema import Inventory
from haconsole.model.journal import JournalLine
from haconsole.present.cells import Tone, text_of
from haconsole.present.changes import SnapshotChange
from haconsole.present.host_of_row import host_of
from haconsole.present.journal import KEPT, Scroll, holds, journal_rows, saved_text
from haconsole.present.log_of_row import log_of, log_of_event
from haconsole.present.log_place import LogPlace
from haconsole.present.row_keys import FindingKey, LeaseKey, MemberKey, RowKey, ServerKey
from haconsole.ui.controllers.hosts import shell_argv
from haconsole.ui.messages import ShowJournal
from haconsole.ui.screens.dashboard import Dashboard
from haconsole.ui.widgets.journal import JournalPane
from tests.fakes.cluster import NAMES, NOW, VIP, changed, healthy, member, unreachable
from tests.fakes.path import on_path
from tests.fakes.session import FakeSession
from tests.unit.ui.driver import screen_text, settled
from tests.unit.ui.test_app import console, running

SAMPLES = Path(__file__).resolve().parents[3] / "sample-inventories"


def line(n: int, text: str, *, after_s: float = 0, priority: int = 6, source: str = "etcd") -> JournalLine:
    return JournalLine(NAMES[n - 1], NOW + timedelta(seconds=after_s), source, text, priority)


LINES = (
    line(1, "became leader at term 4", after_s=2),
    line(2, "slow fdatasync took 1.2s", after_s=1, priority=4),
    line(3, "\x1b[2Jpanic: disk full", after_s=3, priority=2),
)


def test_late_lines_find_their_place_and_the_oldest_go() -> None:
    scroll = Scroll()
    for each in LINES:
        scroll.add(each)
    assert [each.host for each in scroll.lines] == ["cp2", "cp1", "cp3"]
    for count in range(KEPT):
        scroll.add(line(1, str(count), after_s=10))
    assert len(scroll.lines) == KEPT
    assert LINES[1] not in scroll.lines


def test_the_filter_of_lines_is_that_of_rows() -> None:
    """A regular expression, inverted by an exclamation mark, a text where it is none."""
    entry = line(1, "member 8e9e05 is (un)healthy")
    assert all(holds(entry, each) for each in ("", "ETCD", "member [0-9a-f]{6}", "is .un.healthy$", "!haproxy", "(un"))
    assert not any(holds(entry, each) for each in ("^etcd", "!member", "cp2"))
    for mark, expected in (("8e|healthy", ["8e", "healthy"]), ("!cp2", [])):
        cells = [cell for row in journal_rows(entry, 80, hosts=0, mark=mark) for cell in row]
        assert [cell.text for cell in cells if cell.tone is Tone.MARK] == expected


def test_an_entry_is_wrapped_under_its_own_text_and_marked() -> None:
    rows = journal_rows(line(2, "the slow disk and the slow network are slow"), 40, hosts=3, mark="SLOW")
    assert [text_of(row).rstrip() for row in rows] == [
        "03:00:00 cp2 etcd       the slow disk",
        "                        and the slow",
        "                        network are slow",
    ]
    assert [cell.text for cell in rows[0] if cell.tone is Tone.MARK] == ["slow"]


@pytest.mark.parametrize(("priority", "sign"), [(3, " ✖ disk full"), (4, " ▲ disk full"), (6, "   disk full")])
def test_what_is_wrong_has_a_sign(priority: int, sign: str) -> None:
    (row,) = journal_rows(line(1, "disk full", priority=priority), 60, hosts=3)
    assert text_of(row).endswith(sign)


def test_a_saved_file_has_full_times_and_no_control_characters() -> None:
    text = saved_text([LINES[2]])
    assert text == "2026-03-01T03:00:03+00:00 cp3 etcd: ^[[2Jpanic: disk full\n"


async def test_journals_are_followed_filtered_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = FakeSession(healthy(), logged=LINES)
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("L")
        await settled(pilot)
        pane = app.screen.query_one(JournalPane)
        pane._draw_if_due()
        await settled(pilot)
        text = screen_text(app)
        assert session.journals == (NAMES,)
        assert "journal of cp1, cp2, cp3  3 lines" in text
        assert "at the newest" in text
        assert text.index("fdatasync") < text.index("became leader") < text.index("^[[2Jpanic")
        await pilot.press("slash", *"leader")
        await settled(pilot)
        assert "fdatasync" not in screen_text(app)
        await pilot.press("enter", "S")
        await settled(pilot)
        (saved,) = tmp_path.glob("haconsole-lab-journal-*.log")
        assert saved.read_text().endswith("cp1 etcd: became leader at term 4\n")
        assert saved.stat().st_mode & 0o777 == 0o600
        await pilot.press("escape", "escape")
        assert isinstance(app.screen, Dashboard)


async def test_the_oldest_screen_of_a_journal_is_full() -> None:
    entries = [line(1, f"entry {number}", after_s=number) for number in range(60)]
    app = console(FakeSession(healthy(), logged=tuple(entries)))
    async with running(app, size=(80, 24)) as pilot:
        await pilot.press("L")
        await settled(pilot)
        app.screen.query_one(JournalPane)._draw_if_due()
        await pilot.press("k")
        await settled(pilot)
        assert "▼1 newer" in screen_text(app)
        await pilot.press("home")
        await settled(pilot)
        rows = screen_text(app).splitlines()[1:-1]
        assert [text.split()[-1] for text in rows] == [str(number) for number in range(len(rows))]
        assert f"▼{60 - len(rows)} newer" in screen_text(app)
        await pilot.press("k", "j")
        await settled(pilot)
        assert f"▼{60 - len(rows) - 1} newer" in screen_text(app), "one line forward moves by one line"


async def test_the_journal_of_only_the_rows_host() -> None:
    session = FakeSession(healthy(), logged=LINES)
    app = console(session)
    async with running(app) as pilot:
        await pilot.press("j", "l")
        await settled(pilot)
        assert session.journals == ((NAMES[1],),)


@pytest.mark.parametrize(
    ("keys", "hosts", "part"),
    [
        ("1 j l", ("cp2",), "etcd"),
        ("2 l", ("cp1",), "keepalived"),
        ("3 j l", ("cp2",), "kube-apiserver"),
        ("4 l", ("cp1",), "kube-controller-manager"),
        ("5 j l", ("cp2",), ""),
        ("1 j enter l", ("cp2",), "etcd"),
        ("p right right right l", ("cp2",), "kube-apiserver"),
        ("L", NAMES, ""),
    ],
)
async def test_the_log_is_that_of_the_rows_own_component(keys: str, hosts: tuple[str, ...], part: str) -> None:
    session = FakeSession(on_path(healthy()), logged=LINES)
    app = console(session)
    async with running(app) as pilot:
        await pilot.press(*keys.split())
        await settled(pilot)
        assert (session.journals, session.parts) == ((hosts,), (part,))
        title = f"log of {part} on {', '.join(hosts)}" if part else f"journal of {', '.join(hosts)}"
        assert title in screen_text(app)


@pytest.mark.parametrize(
    ("subject", "text", "place"),
    [
        ("controller-manager", "holder cp2 → cp1", LogPlace(NAMES[0], "kube-controller-manager", NOW)),
        ("scheduler", "holder cp2 → nobody", LogPlace(None, "kube-scheduler", NOW)),
        ("kube-scheduler@cp3", "▲ warning: it is down", LogPlace(NAMES[2], "kube-scheduler", NOW)),
        ("etcd", "leader cp1 → cp3", LogPlace(NAMES[2], "etcd", NOW)),
        (VIP, "owner cp1 → cp2", LogPlace(NAMES[1], "keepalived", NOW)),
        ("cp2", "server UP → DOWN on cp1", LogPlace(NAMES[1], "kube-apiserver", NOW)),
        ("cp1", "host is back", LogPlace(NAMES[0], "", NOW)),
    ],
)
def test_an_event_has_the_log_of_its_component_on_its_host(subject: str, text: str, place: LogPlace) -> None:
    assert log_of_event(SnapshotChange(NOW, subject, text, Tone.PLAIN), healthy()) == place


async def test_an_event_has_the_log_of_its_moment() -> None:
    session = FakeSession(healthy(), logged=LINES)
    app = console(session)
    async with running(app) as pilot:
        session.snapshot_queue.put_nowait(changed(healthy(), 2, unreachable))
        await settled(pilot)
        await pilot.press("e")
        await settled(pilot)
        places = {log_of_event(change, app.state.snapshot) for change in app.state.history}
        assert LogPlace(NAMES[1], "", NOW) in places
        await pilot.press("l")
        await settled(pilot)
        assert len(session.moments) == 1
        assert " at 03:00:00 UTC" in screen_text(app)


async def test_a_moment_without_lines_is_shown_as_empty() -> None:
    session = FakeSession(healthy())
    app = console(session)
    async with running(app) as pilot:
        app.post_message(ShowJournal(LogPlace(NAMES[1], "etcd", NOW)))
        await settled(pilot)
        assert "no log line within one minute before or after that time" in screen_text(app)


@pytest.mark.parametrize(
    ("subject", "place"),
    [
        (FindingKey("component.down", "kube-scheduler@cp3"), LogPlace(NAMES[2], "kube-scheduler")),
        (FindingKey("etcd.member-down", "cp2"), LogPlace(NAMES[1], "etcd")),
        (FindingKey("service.crash-loop", "haproxy.service@cp1"), LogPlace(NAMES[0], "haproxy")),
        (FindingKey("host.slow", "cp1"), LogPlace(NAMES[0])),
        (LeaseKey("kube-node-lease", "cp1"), LogPlace(None, "kubelet")),
        (None, LogPlace()),
    ],
)
def test_the_component_of_a_row(subject: RowKey | None, place: LogPlace) -> None:
    assert log_of(subject, healthy()) == place


async def test_a_shell_is_refused_where_nothing_may_be_changed() -> None:
    app = console(FakeSession(healthy()), read_only=True)
    async with running(app) as pilot:
        await pilot.press("s")
        await settled(pilot)
        assert isinstance(app.screen, Dashboard)
        assert [each.message for each in app._notifications] == ["▲ this console is read-only: no shell"]


def test_every_row_knows_its_host() -> None:
    snapshot = healthy()
    assert host_of(MemberKey(member(2).id), snapshot) == "cp2"
    assert host_of(ServerKey("k8s_server_6443", "cp3"), snapshot) == "cp3"
    assert host_of(LeaseKey("kube-system", "kube-scheduler"), snapshot) == "cp1"
    assert host_of(FindingKey("component.down", "kube-scheduler@cp3"), snapshot) == "cp3"
    assert host_of(FindingKey("vip.unowned", "vip"), snapshot) is None
    assert host_of(None, snapshot) is None


def shell_on(inventory: Inventory, name: str) -> tuple[str, ...]:
    host = inventory.find(name)
    assert host is not None
    return shell_argv(inventory, host)


def test_a_shell_takes_the_consoles_own_way() -> None:
    inventory = load(SAMPLES / "lab.yaml")
    argv = shell_on(inventory, inventory.hosts[0].name)
    assert argv[:2] == ("ssh", "-t")
    assert argv[-1] == inventory.hosts[0].ssh_address or inventory.hosts[0].address


def test_a_shell_behind_a_bastion_goes_through_it_with_the_bastions_own_key() -> None:
    inventory = load(SAMPLES / "kubeadm-aws-bastion.yaml")
    inner = next(host for host in inventory.hosts if host.name != "bastion")
    argv = shell_on(inventory, inner.name)
    (proxy,) = [word for word in argv if word.startswith("ProxyCommand=ssh ")]
    assert proxy.endswith(f"-W '[%h]:%p' {shell_on(inventory, 'bastion')[-1]}")
    assert not any("ProxyCommand" in word for word in shell_on(inventory, "bastion"))
