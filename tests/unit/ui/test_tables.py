"""Every pane's table as a person reads it, healthy and on a bad night, at the width 80 columns leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.model.etcd import EtcdEndpoint
from haconsole.model.haproxy import AdminState, HaproxyBackend, HaproxyFacts, HaproxyServer
from haconsole.model.hosts import ApiserverFacts, HostFacts, InterfaceAddress
from haconsole.model.names import HostName
from haconsole.model.observed import NOT_ASKED, Cause, Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import Tone
from haconsole.present.detail import Fact
from haconsole.present.details.apiserver import about_apiserver
from haconsole.present.details.balancing import about_vip
from haconsole.present.etcd import etcd_table
from haconsole.present.findings import findings_table
from haconsole.present.fitting import text_table
from haconsole.present.haproxy import haproxy_table, silent_state
from haconsole.present.hosts import hosts_table
from haconsole.present.leases import leases_table
from haconsole.present.table import TableView
from haconsole.present.vips import vips_table
from tests.fakes import cluster, kube_vip
from tests.fakes.cluster import NOW, changed, healthy, unreachable
from tests.fakes.session import FakeSession, critical, degraded

HALF, WHOLE = 37, 78


def gist(view: TableView) -> str:
    return view.summaries[-1].text


def silent(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, unreachable)
    return snapshot


def test_etcd_healthy() -> None:
    view = etcd_table(healthy())
    assert text_table(view, HALF) == (
        "MEMBER ROLE     STATE      DB VERSION\n"
        "cp1    ★ leader ● healthy 20K 3.4.23\n"
        "cp2    follower ● healthy 20K 3.4.23\n"
        "cp3    follower ● healthy 20K 3.4.23"
    )
    assert [cell.text for cell in view.summaries] == [
        "● 3 voters, 2 needed, 3 healthy: can lose 1",
        "● 3/3 can lose 1",
    ]
    assert view.at == NOW


def test_etcd_with_a_lost_host_keeps_what_was_last_known() -> None:
    view = etcd_table(degraded())
    row = view.rows[2]
    assert [cell.text for cell in row.cells][:5] == ["cp3", "follower", "? no answer", "20K", "since 03:00:00"]
    assert row.cells[3].tone is Tone.STALE
    assert row.cells[2].tone is Tone.UNKNOWN
    assert "no answer within 10 s" in row.cells[-1].text
    assert gist(view) == "▲ 2/3 can lose 0"


def test_etcd_down_is_not_shown_as_unknown() -> None:
    row = etcd_table(critical()).rows[1]
    assert [cell.text for cell in row.cells][:3] == ["cp2", "follower", "✖ down"]


def test_etcd_nobody_answers() -> None:
    view = etcd_table(silent(healthy()))
    assert {row.cells[2].text for row in view.rows} == {"? no answer"}
    assert view.at is not None  # when the list that is shown was read
    assert gist(view) == "? old list"


def test_etcd_before_bootstrap_names_the_hosts() -> None:
    snapshot = healthy()
    for n in (1, 2, 3):
        refused: Failed[EtcdEndpoint] = Failed(
            "connection refused on port 2379", NOW, Cause.REFUSED, asked_from=(HostName(f"cp{n}"),)
        )
        snapshot = changed(snapshot, n, lambda facts, etcd=refused: replace(facts, etcd=etcd))  # type: ignore[misc]
    view = etcd_table(snapshot)
    assert [row.cells[0].text for row in view.rows] == ["cp1", "cp2", "cp3"]
    assert {row.cells[2].text for row in view.rows} == {"✖ no etcd"}
    assert {row.cells[-1].text for row in view.rows} == {"connection refused on port 2379"}


def test_a_host_whose_etcd_gave_no_answer_in_time_is_not_called_without_etcd() -> None:
    late: Failed[EtcdEndpoint] = Failed("no answer within 6 s", NOW, Cause.TIMED_OUT, asked_from=(HostName("cp1"),))
    snapshot = healthy()
    for n in (1, 2, 3):
        snapshot = changed(snapshot, n, lambda facts: replace(facts, etcd=late))
    assert {row.cells[2].text for row in etcd_table(snapshot).rows} == {"? no answer"}


def test_a_balancer_that_gave_no_answer_in_time_is_not_called_without_haproxy() -> None:
    late: Failed[HaproxyFacts] = Failed("no answer within 6 s", NOW, Cause.TIMED_OUT)
    facts = replace(healthy().hosts[0], haproxy=late)
    assert silent_state(facts).text == "? no answer"
    stopped = replace(facts, haproxy=Failed("not installed", NOW, Cause.NOT_INSTALLED))
    assert silent_state(stopped).text == "✖ no haproxy"


def test_vip_owned() -> None:
    view = vips_table(healthy())
    assert text_table(view, HALF) == (
        "HOST HOLDS   VRRP   PRIO KEEPALIVED\n"
        "cp1  ◆ owner MASTER  100 active\n"
        "cp2  –       BACKUP   90 active\n"
        "cp3  –       BACKUP   80 active"
    )
    assert gist(view) == "● cp1"


def test_vip_unowned_is_shown_with_the_stopped_keepalived() -> None:
    view = vips_table(critical())
    assert gist(view) == "✖ UNOWNED"
    assert [cell.text for cell in view.rows[0].cells] == ["10.99.0.100", "cp1", "–", "?", "?", "failed"]


def test_vip_split_marks_every_owner() -> None:
    both = InterfaceAddress("eth0", cluster.VIP, 24)
    snapshot = changed(healthy(), 2, lambda facts: replace(facts, addresses=Known((both,), NOW)))
    view = vips_table(snapshot)
    assert [row.cells[2].text for row in view.rows] == ["✖ owner too", "✖ owner too", "–"]
    assert view.summaries[0].text == "✖ 10.99.0.100 SPLIT: cp1, cp2"


def test_vip_of_a_lost_owner_is_not_claimed() -> None:
    view = vips_table(changed(healthy(), 1, unreachable))
    assert view.rows[0].cells[2].text == "? was owner"
    assert gist(view) == "? owner unknown"


def test_haproxy_healthy_at_half_and_full_width() -> None:
    view = haproxy_table(healthy())
    assert text_table(view, HALF).splitlines()[1] == "cp1     ● UP 3/3  L7OK      9   2m"
    assert text_table(view, WHOLE) == (
        "SERVER  STATE     ON cp1  ON cp2  ON cp3  CHECK  SESS  ADDRESS          FOR\n"
        "cp1     ● UP 3/3  UP      UP      UP      L7OK      9  10.99.0.11:6443   2m\n"
        "cp2     ● UP 3/3  UP      UP      UP      L7OK      9  10.99.0.12:6443   2m\n"
        "cp3     ● UP 3/3  UP      UP      UP      L7OK      9  10.99.0.13:6443   2m"
    )


def test_haproxy_silent_balancer_has_a_row_of_its_own() -> None:
    view = haproxy_table(degraded())
    assert [cell.text for cell in view.rows[-1].cells][1:3] == ["balancer cp3", "? no answer"]
    assert view.rows[2].cells[2].text == "✖ DOWN 2/2"
    assert [cell.text for cell in view.summaries[1:]] == ["✖ 2/3 up, 1 not answering", "✖ 2/3 up"]


def test_haproxy_drained_server_is_a_warning() -> None:
    drained = replace(cluster.server(2, "DRAIN"), admin_state=AdminState.DRAIN)
    one = Known(HaproxyFacts("2.6", 10, (HaproxyBackend("k8s", (cluster.server(1), drained)),)), NOW)
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, haproxy=one))
    names = {(row.cells[0].text, row.cells[1].text): row for row in haproxy_table(snapshot).rows}
    assert names["k8s", "cp2"].cells[2].text == "▲ drain 0/1"


def test_leases_held_late_and_expired() -> None:
    assert text_table(leases_table(healthy(), NOW), HALF) == (
        "LEASE               HOLDER  STATE\n"
        "controller-manager  cp1     ● held\n"
        "scheduler           cp1     ● held"
    )  # fmt: skip
    rows = leases_table(degraded(), NOW).rows
    assert [cell.text for cell in rows[0].cells][:4] == ["controller-manager", "cp1", "▲ late 9s", "9s ago"]
    assert [cell.text for cell in rows[1].cells][:4] == ["scheduler", "cp3", "✖ expired", "41s ago"]


def test_a_lock_lapses_on_screen_while_no_news_comes() -> None:
    later = leases_table(healthy(), NOW + timedelta(seconds=20))
    assert {row.cells[2].text for row in later.rows} == {"✖ expired"}
    assert gist(later) == "✖ 0/2"


def test_leases_unread_are_not_empty() -> None:
    view = leases_table(replace(healthy(), leases=Failed("the API did not answer", NOW)), NOW)
    assert view.empty.text == "? not known: the API did not answer"
    view = leases_table(replace(healthy(), leases=NOT_ASKED), NOW)
    assert view.empty.text == "? not queried yet"


def test_hosts_healthy_and_lost() -> None:
    assert text_table(hosts_table(healthy()), WHOLE).splitlines()[1] == (
        "cp1   ● reached  ● 6/6 active  ● ready  60% 60G     +0ms  10.99.0.11"
    )
    row = hosts_table(degraded()).rows[2]
    assert [cell.text for cell in row.cells][:4] == ["cp3", "✖ lost 03:00:00", "? 6/6 active, 0s old", "?"]
    assert row.cells[2].tone is Tone.STALE


def test_hosts_name_the_services_that_do_not_run() -> None:
    units = Known(cluster.units(haproxy="failed"), NOW)
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, services=units))
    assert hosts_table(snapshot).rows[0].cells[2].text == "✖ 5/6 failed: haproxy"


def test_an_api_server_that_could_not_be_queried_is_not_shown_as_down() -> None:
    refused: Failed[ApiserverFacts] = Failed("the certificate was rejected", NOW, Cause.AUTH_FAILED)
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, apiserver=refused))
    assert hosts_table(snapshot).rows[0].cells[3].text == "? no answer"
    silent_one: Failed[ApiserverFacts] = Failed("late", NOW, Cause.TIMED_OUT, asked_from=(HostName("cp1"),))
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, apiserver=silent_one))
    assert hosts_table(snapshot).rows[0].cells[3].text == "✖ no answer"


def test_checks_of_a_server_at_a_second_address_are_listed() -> None:
    second = Known((InterfaceAddress("eth1", "198.51.100.11", 24),), NOW)
    server = HaproxyServer("first", "198.51.100.11:6443", "UP", AdminState.READY, "L7OK", "", 0, 60)
    stats = Known(HaproxyFacts("2.6.12", 60, (HaproxyBackend("k8s", (server,)),)), NOW)
    snapshot = changed(healthy(), 1, lambda facts: replace(facts, addresses=second, haproxy=stats))
    detail = about_apiserver(snapshot, HostName("cp1"), NOW)
    assert detail is not None
    assert "k8s/first" in [item.label for item in detail.items if isinstance(item, Fact)]


def test_findings_speak_only_of_what_was_seen() -> None:
    assert findings_table((), healthy()).summaries[-1].text == "● none"
    view = findings_table(FakeSession().status_of(critical()).findings, critical())
    assert view.summaries[0].text == "1 critical, 3 warnings"
    assert view.rows[0].cells[0].text == "✖ critical"


@pytest.mark.parametrize("snapshot", [healthy(), degraded(), critical(), silent(healthy())])
def test_no_cell_is_empty_where_something_is_not_known(snapshot: ClusterSnapshot) -> None:
    for view in (etcd_table(snapshot), vips_table(snapshot), hosts_table(snapshot), leases_table(snapshot, NOW)):
        for row in view.rows:
            assert all(cell.text for cell in row.cells[:-1]), row


def test_a_host_not_yet_queried_shows_as_waiting() -> None:
    snapshot = changed(healthy(), 2, lambda facts: HostFacts(facts.host, facts.address, facts.roles))
    row = hosts_table(snapshot).rows[1]
    assert [cell.text for cell in row.cells][:3] == ["cp2", "? connecting", "–"]


def test_the_vip_of_kube_vip_is_shown_with_the_holder_of_its_lease() -> None:
    view = vips_table(kube_vip.healthy("cp2", holder="cp1"))
    assert text_table(view, WHOLE) == (
        "VIP          HOST  HOLDS    LEASE   PRIO  KUBE-VIP\n"
        "10.99.0.200  cp1   –        holder     –  active\n"
        "10.99.0.200  cp2   ◆ owner  –          –  active\n"
        "10.99.0.200  cp3   –        –          –  active"
    )
    assert gist(view) == "● cp2"
    unread = vips_table(replace(kube_vip.healthy("cp2"), leases=NOT_ASKED))
    assert [row.cells[3].text for row in unread.rows] == ["?", "?", "?"]
    detail = about_vip(kube_vip.healthy("cp2", holder="cp1"), kube_vip.VIP, HostName("cp2"), NOW)
    texts = str(detail)
    assert "kube-vip on cp2" in texts
    assert "keepalived" not in texts
