"""The JSON and the page of `certs`: sorted by what is due, file against served, what hosts share, silence."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from haconsole.actions.command_line import remedy_line
from haconsole.cli.reports.certs import CertsReport, certs_health, certs_report, certs_text
from haconsole.diagnosis.certificates import is_about_certificates
from haconsole.diagnosis.diagnose import diagnose
from haconsole.model.certificate import Certificate, TokenKeys
from haconsole.model.findings import ActionCall, Finding, Health
from haconsole.model.names import HostName
from haconsole.model.observed import Failed, Known
from haconsole.model.snapshot import ClusterSnapshot
from tests.fakes.cluster import INVENTORY, NOW, changed, healthy

OLD, NEW = "0a" * 32, "0b" * 32


def certificate(host: int, role: str, **values: Any) -> Certificate:
    plain = Certificate(
        HostName(f"cp{host}"),
        f"/pki/{role}.crt",
        role,
        f"CN={role}",
        "CN=ca",
        "4f",
        NOW - timedelta(days=1),
        NOW + timedelta(days=100 * host),
        (),
        f"{role}{host}",
        is_ca=False,
    )
    return replace(plain, **values)


def authority(host: int, *prints: str) -> tuple[Certificate, ...]:
    return tuple(certificate(host, "etcd-ca", is_ca=True, fingerprint=one) for one in prints)


def cluster(*hosts: tuple[Certificate, ...]) -> ClusterSnapshot:
    snapshot = healthy()
    for number, holder in enumerate(hosts, 1):
        snapshot = changed(snapshot, number, partial(replace, certificates=Known(holder, NOW)))
    return snapshot


def looked(snapshot: ClusterSnapshot) -> tuple[tuple[Finding, ...], Health]:
    result = tuple(one for one in diagnose(snapshot, INVENTORY, NOW) if is_about_certificates(one.code))
    return result, certs_health(snapshot, result)


def test_an_expired_certificate_of_a_kubelet_is_critical() -> None:
    pair = certificate(2, "kubelet", not_after=NOW - timedelta(hours=1))
    (finding,), health = looked(cluster((), (pair,), ()))
    assert (finding.code, health) == ("kubelet.cert-expired", Health.CRITICAL)


def as_json(snapshot: ClusterSnapshot) -> Any:
    document = msgspec.json.decode(msgspec.json.encode(certs_report(snapshot, *looked(snapshot), NOW)))
    jsonschema.validate(document, msgspec.json.schema(CertsReport))
    return document


def test_sorted_by_what_is_due_with_file_against_served() -> None:
    served = certificate(1, "etcd-server", served_at="10.99.0.11:2379", served_fingerprint="older")
    own = certificate(2, "etcd-peer", served_at="10.99.0.12:2380", served_fingerprint="etcd-peer2")
    output = as_json(cluster((certificate(3, "admin"), served), (own,), ()))
    rows = [(one["role"], one["days_left"], one["served"]) for one in output["certificates"]]
    assert rows == [("etcd-server", 100, False), ("etcd-peer", 200, True), ("admin", 300, None)]
    assert (output["schema"], output["health"]) == ("haconsole/certs/v1", "degraded")
    assert [one["code"] for one in output["findings"]] == ["cert.served-old"]


def test_cas_that_differ_are_critical_and_half_replaced_ones_a_warning() -> None:
    same = cluster(authority(1, OLD), authority(2, OLD), authority(3, OLD))
    assert looked(same)[1] is Health.HEALTHY
    half = cluster(authority(1, OLD, NEW), authority(2, OLD), authority(3, OLD))
    assert looked(half)[1] is Health.DEGRADED
    distance = cluster(authority(1, NEW), authority(2, OLD), authority(3, OLD))
    findings, health = looked(distance)
    assert ([one.subject for one in findings], health) == (["etcd-ca"], Health.CRITICAL)
    assert as_json(distance)["shared"] == [
        {"what": "etcd-ca", "same": False, "hosts": {"cp1": [NEW], "cp2": [OLD], "cp3": [OLD]}}
    ]


def test_a_ca_on_its_way_in_is_worth_knowing_and_no_harm() -> None:
    coming = certificate(2, "etcd-ca-next", is_ca=True, fingerprint=NEW)
    (finding,), health = looked(cluster(authority(1, OLD), (*authority(2, OLD), coming), authority(3, OLD)))
    assert (finding.code, finding.subject, health) == ("cert.ca-rotation-open", "etcd-ca", Health.HEALTHY)
    assert finding.evidence == ("the new CA is on cp2",)
    assert len(finding.remedies) == 2, "it can be finished and undone"


def test_a_rotation_whose_old_ca_is_dropped_can_only_be_finished() -> None:
    last = certificate(3, "etcd-ca-next", is_ca=True, fingerprint=NEW)
    (finding,), _ = looked(cluster(authority(1, NEW), authority(2, NEW), (*authority(3, NEW), last)))
    assert (finding.code, finding.evidence) == ("cert.ca-rotation-open", ("the new CA is on cp3",))
    assert [one.arguments for one in finding.remedies if isinstance(one, ActionCall)] == [(("ca", "yes"),)]


def test_token_keys_that_differ_are_critical() -> None:
    snapshot = cluster((), (), ())
    for number, key in enumerate((OLD, OLD, NEW), 1):
        keys = (TokenKeys("/pki/sa.key", 0o600, private=True, fingerprints=(key,)),)
        snapshot = changed(snapshot, number, partial(replace, token_keys=keys))
    findings, health = looked(snapshot)
    assert ([one.subject for one in findings], health) == (["service-account signing key"], Health.CRITICAL)


def test_a_name_that_clients_use_and_it_lacks() -> None:
    lacking = certificate(1, "apiserver", missing_names=("IP:10.99.0.100",))
    (finding,), health = looked(cluster((lacking,), (), ()))
    assert (finding.code, health) == ("cert.san-missing", Health.CRITICAL)


def test_silence_is_reported() -> None:
    failed: Failed[tuple[Certificate, ...]] = Failed("no answer within 10 s", NOW)
    some = changed(healthy(), 2, partial(replace, certificates=failed))
    assert looked(some)[1] is Health.DEGRADED
    assert as_json(some)["unread"] == [{"host": "cp2", "reason": "no answer within 10 s"}]
    none = some
    for number in (1, 3):
        none = changed(none, number, partial(replace, certificates=failed))
    assert looked(none)[1] is Health.UNKNOWN
    assert "no answer within 10 s" in certs_text(none, *looked(none), NOW)


@pytest.mark.parametrize(
    ("role", "values", "helps"),
    [
        ("admin", {}, "run rotate-certs --host cp1"),
        ("etcd-ca", {"is_ca": True}, "run rotate-certs --ca"),
        ("kubelet", {"key_path": "/pki/kubelet.key"}, "run rotate-certs --host cp1"),
        ("kubelet", {"key_path": "/pki/kubelet.crt", "in_kubeconfig": True}, "run rotate-certs --host cp1"),
        ("kubelet", {"key_path": "/pki/kubelet.crt"}, "run rotate-certs --host cp1"),
    ],
)
def test_an_expiring_certificate_has_its_renewal_as_a_remedy(role: str, values: dict[str, Any], helps: str) -> None:
    ending = certificate(1, role, not_after=NOW + timedelta(days=3), **values)
    (finding,), health = looked(cluster((ending,), (), ()))
    assert (finding.code, health) == ("cert.expiring", Health.CRITICAL)
    assert remedy_line(finding.remedies[0]).startswith(helps)
