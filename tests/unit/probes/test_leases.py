"""Leader locks from an API server, from etcd and from older locks, and the hosts behind their holders."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from haconsole.inventory.schema import Host
from haconsole.model.lease import Lease, LeaseSource, LeaseState
from haconsole.model.names import HostName
from haconsole.model.observed import Cause
from haconsole.probes.errors import ProbeError
from haconsole.probes.kubernetes.leases import (
    LEADER_ANNOTATION,
    finder,
    from_api,
    from_endpoints,
    from_etcd,
    without_copies,
)
from haconsole.probes.kubernetes.stored_lease import PREFIX, decode
from haconsole.transport.etcd_answers import KeyValue
from haconsole.transport.kube_objects import LeaseList, LeaseObject, LeaseSpec, Meta, PlainList, PlainObject

CASES = Path(__file__).parent / "cases" / "leases"
"""Answers of kube-apiserver 1.20.2, and its data in etcd 3.4.23 three seconds later."""

UNIQUE = "6ba4b32e-f45b-44e3-a6bc-97df68a52f49"


def host(name: str, address: str = "10.0.0.1", ssh_address: str | None = None) -> Host:
    return Host(name=name, address=address, roles=(), ssh_address=ssh_address)


VM = finder((host("vm"),))


def api() -> tuple[LeaseObject, ...]:
    return msgspec.json.decode((CASES / "api.json").read_bytes(), type=LeaseList).items


def endpoints() -> tuple[PlainObject, ...]:
    return msgspec.json.decode((CASES / "endpoints.json").read_bytes(), type=PlainList).items


def stored(medium: str) -> tuple[KeyValue, ...]:
    document = json.loads((CASES / "etcd.json").read_text())[medium]
    return tuple(KeyValue(key.encode(), b64decode(value), 1) for key, value in document.items())


def value(name: str) -> bytes:
    key = PREFIX + b"kube-system/" + name.encode()
    return next(entry.value for entry in stored("protobuf") if entry.key == key)


def test_locks_of_the_api() -> None:
    bare, manager, scheduler, odd, released = from_api(api(), VM)
    assert scheduler == Lease(
        namespace="kube-system",
        name="kube-scheduler",
        holder="vm_cda9ddfe-ff7f-4ac9-a064-a1d3e4c5179c",
        host=HostName("vm"),
        acquired_at=datetime(2026, 11, 21, 12, 1, 45, 272812, UTC),
        renewed_at=datetime(2026, 11, 21, 12, 5, 12, 647539, UTC),
        duration_s=4,
        transitions=0,
        source=LeaseSource.API,
    )
    assert (manager.name, manager.host) == ("kube-controller-manager", "vm")
    assert (odd.host, odd.transitions) == (None, 1000)
    now = datetime(2026, 11, 21, 12, 5, 13, tzinfo=UTC)
    assert [each.state(now) for each in (bare, scheduler, odd, released)] == [
        LeaseState.RELEASED,
        LeaseState.HELD,
        LeaseState.EXPIRED,
        LeaseState.RELEASED,
    ]


def test_leases_from_etcd_differ_only_by_renewals_since() -> None:
    output = from_etcd(stored("protobuf"), VM)
    assert [replace(each, renewed_at=None, source=LeaseSource.API) for each in output] == [
        replace(each, renewed_at=None) for each in from_api(api(), VM)
    ]
    assert output[2].renewed_at == datetime(2026, 11, 21, 12, 5, 15, 710090, UTC)
    assert {each.source for each in output} == {LeaseSource.ETCD}


def test_what_is_stored_as_json_is_read_too() -> None:
    (output,) = from_etcd(stored("json"), VM)
    assert (output.name, output.acquired_at) == ("odd-names", datetime(2026, 11, 21, 11, 59, 59, 999999, UTC))


def test_a_newer_apiserver_stores_another_version_of_the_same() -> None:
    old = value("kube-scheduler")
    new = old.replace(b"\x0a\x24\x0a\x1bcoordination.k8s.io/v1beta1", b"\x0a\x1f\x0a\x16coordination.k8s.io/v1")
    assert new != old
    assert decode(new) == decode(old)


def test_locks_on_endpoints() -> None:
    (manager,) = from_endpoints(endpoints(), VM)
    assert (manager.name, manager.host, manager.source) == ("kube-controller-manager", "vm", LeaseSource.ENDPOINTS)
    assert manager.renewed_at == datetime(2026, 11, 21, 12, 5, 15, tzinfo=UTC)


def test_a_lock_in_two_places_is_listed_once() -> None:
    leases, older = from_api(api(), VM), from_endpoints(endpoints(), VM)
    assert without_copies(leases, older) == leases
    assert without_copies((), older) == older


def test_an_annotation_that_is_no_record_names_its_object() -> None:
    fault = PlainObject(metadata=Meta(name="x", namespace="kube-system", annotations={LEADER_ANNOTATION: "{"}))
    with pytest.raises(ProbeError, match="leader annotation of kube-system/x"):
        from_endpoints((fault,), VM)


@pytest.mark.parametrize(
    ("name", "labels", "holder"),
    [
        ("kube-apiserver-1", {"k8s.io/component": "kube-apiserver"}, "kube-apiserver-1"),
        ("apiserver-abc", {"apiserver.kubernetes.io/identity": "kube-apiserver"}, f"apiserver-abc_{UNIQUE}"),
        ("apiserver-abc", None, f"apiserver-abc_{UNIQUE}"),
    ],
)
def test_the_sign_of_life_of_an_apiserver_is_no_lock(name: str, labels: dict[str, str] | None, holder: str) -> None:
    life = LeaseObject(metadata=Meta(name=name, labels=labels), spec=LeaseSpec(holder_identity=holder))
    assert from_api((life,), VM) == ()


def test_a_lock_that_is_merely_called_like_an_apiserver_stays() -> None:
    lock = LeaseObject(metadata=Meta(name="apiserver-network-proxy"), spec=LeaseSpec(holder_identity="cp1_abcdef"))
    assert [each.name for each in from_api((lock,), VM)] == ["apiserver-network-proxy"]


@pytest.mark.parametrize(
    ("holder", "result"),
    [
        (f"cp1_{UNIQUE}", "cp1"),
        ("cp1_0123456789abcdef", "cp1"),
        ("cp1", "cp1"),
        (f"CP1_{UNIQUE}", "cp1"),
        (f"cp1.example.org_{UNIQUE}", "cp1"),
        (f"cp1.example.org._{UNIQUE}", "cp1"),
        (f"cp2_{UNIQUE}", "cp2.example.org"),
        (f"cp2.example.net_{UNIQUE}", None),
        (f"10.0.0.13_{UNIQUE}", "10.0.0.13"),
        (f"10.0.0.99_{UNIQUE}", None),
        (f"ip-10-0-0-14.ec2.internal_{UNIQUE}", "cp4"),
        (f"192.0.2.4_{UNIQUE}", "cp4"),
        (f"twin_{UNIQUE}", None),
        (f"my_host_{UNIQUE}", "cp5"),
        (f"node-pool_{UNIQUE}", None),
        ("coredns-7d764666f9-x2x4q", None),
        ("", None),
    ],
)
def test_the_host_behind_a_holder(holder: str, result: str | None) -> None:
    hosts = (
        host("cp1", "10.0.0.11"),
        host("cp2.example.org", "10.0.0.12"),
        host("10.0.0.13", "10.0.0.13"),
        host("cp4", "10.0.0.14", "192.0.2.4"),
        host("cp5", "10.0.0.15"),
        host("twin.a.example.org", "10.0.0.16"),
        host("twin.b.example.org", "10.0.0.17"),
    )
    assert finder(hosts, {"my_host": HostName("cp5")})(holder) == result


@pytest.mark.parametrize(
    ("holder", "message"),
    [
        (b"", "starts with b''"),
        (b"k8s:enc:aescbc:v1:key1:\x00\x01", "encrypted at rest"),
        (b"k8s\0\x0a\x08\x0a\x02v1\x12\x02Po", "it is of kind Po, API version v1"),
        (b'{"kind":', "truncated"),
        (value("kube-scheduler")[:-40], "cut off"),
    ],
)
def test_other_values_than_leases_are_refused(holder: bytes, message: str) -> None:
    with pytest.raises(ProbeError, match=message) as excinfo:
        decode(holder)
    assert excinfo.value.cause is Cause.UNREADABLE


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_lease_or_refused(noise: bytes, wrapped: bool) -> None:
    head = b"k8s\0\x0a\x24\x0a\x1bcoordination.k8s.io/v1beta1\x12\x05Lease" if wrapped else b""
    try:
        assert isinstance(decode(head + noise), LeaseObject)
    except ProbeError as error:
        assert error.cause is Cause.UNREADABLE  # noqa: PT017


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=3))
def test_a_lease_with_bytes_changed_is_a_lease_or_refused(at: int, change: bytes) -> None:
    whole = value("kube-scheduler")
    at %= len(whole)
    try:
        assert isinstance(decode(whole[:at] + change + whole[at + len(change) :]), LeaseObject)
    except ProbeError as error:
        assert error.cause is Cause.UNREADABLE  # noqa: PT017
