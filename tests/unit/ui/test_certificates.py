"""The certificates pane: the next to expire first, and one word for what is wrong with each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from haconsole.model.certificate import Certificate
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.present.cells import text_of
from haconsole.present.certificates import certificate_state, certificates_table, expiry_cell
from haconsole.present.detail import detail_lines
from haconsole.present.details.others import about_certificate
from tests.fakes.cluster import NOW, changed, healthy

LEAF = Certificate(
    host=HostName("cp1"),
    path="/etc/etcd/pki/server.crt",
    role="etcd-server",
    subject="CN=cp1",
    issuer="CN=etcd-ca",
    serial="4f",
    not_before=NOW - timedelta(days=1),
    not_after=NOW + timedelta(days=364),
    sans=("DNS:cp1", "IP:10.99.0.11"),
    fingerprint="ab" * 32,
    is_ca=False,
    key_path="/etc/etcd/pki/server.key",
    key_matches=True,
    key_mode=0o600,
    chain_ok=True,
)


def with_certificates(*certificates: Certificate) -> ClusterSnapshot:
    snapshot = healthy()
    return changed(snapshot, 1, lambda facts: replace(facts, certificates=Known(certificates, NOW)))


@pytest.mark.parametrize(
    ("days", "output"),
    [
        (300, "in 300d"),
        (29, "▲ in 29d"),
        (3, "✖ in 3d"),
        (0.25, "✖ in 6h"),
        (0, "✖ 0s ago"),
        (-2.01, "✖ 2d ago"),
        (-0.25, "✖ 6h ago"),
    ],
)
def test_expiry_alarms_in_time(days: float, output: str) -> None:
    assert expiry_cell(replace(LEAF, not_after=NOW + timedelta(days=days)), NOW).text == output


@pytest.mark.parametrize(
    ("certificate", "output"),
    [
        (LEAF, "● good"),
        (replace(LEAF, problem="not PEM"), "✖ not PEM"),
        (replace(LEAF, chain_ok=False), "✖ from another CA"),
        (replace(LEAF, key_matches=False), "✖ key mismatch"),
        (replace(LEAF, served_fingerprint="cd" * 32), "▲ file not loaded yet"),
        (replace(LEAF, key_mode=0o644), "▲ key readable by others"),
        (replace(LEAF, not_after=NOW), "✖ expired"),
        (replace(LEAF, not_before=NOW + timedelta(hours=1)), "✖ not valid yet"),
        (replace(LEAF, not_after=NOW + timedelta(days=9)), "▲ due"),
    ],
)
def test_the_gravest_problem_is_shown(certificate: Certificate, output: str) -> None:
    assert certificate_state(certificate, NOW).text == output


def test_the_next_to_expire_comes_first_and_unread_hosts_are_rows() -> None:
    soon = replace(LEAF, role="apiserver", path="/etc/kubernetes/pki/apiserver.crt", not_after=NOW + timedelta(days=9))
    unread: Failed[tuple[Certificate, ...]] = Failed("sudo refused", NOW)
    snapshot = changed(with_certificates(LEAF, soon), 2, lambda facts: replace(facts, certificates=unread))
    view = certificates_table(snapshot, NOW)
    assert [row.cells[1].text for row in view.rows] == ["apiserver", "etcd-server", "?"]
    assert view.rows[-1].cells[3].text == "? sudo refused"
    assert view.summaries[0].text == "2, next apiserver on cp1 in 9d, 1 hosts unread"


def test_a_certificate_is_shown_in_full() -> None:
    detail = about_certificate(with_certificates(LEAF), LEAF.host, LEAF.path, NOW)
    assert detail is not None
    text = "\n".join(text_of(line) for line in detail_lines(detail, 70))
    for fact in ("IP:10.99.0.11", "mode            0600", "CN=etcd-ca", "ab" * 20, "by no process"):
        assert fact in text


def test_a_removed_certificate_is_shown_as_gone() -> None:
    assert about_certificate(healthy(), LEAF.host, LEAF.path, NOW) is None
