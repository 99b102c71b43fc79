"""The VIP of kube-vip in the draft of an inventory."""

from __future__ import annotations

from pathlib import Path

import pytest

from haconsole.inventory.component_settings import KubeVip
from haconsole.inventory.effective import endpoint
from haconsole.inventory.importers.draft import Draft, write
from haconsole.inventory.load import examine
from haconsole.probes.discovery.ask import programs_of
from haconsole.probes.discovery.draft import draft_of
from haconsole.probes.discovery.host_report import HostReport, Others
from haconsole.probes.discovery.kube_vip import KubeVipSettings
from tests.fakes.product_processes import KUBESPRAY, PODS


def draft_with_kube_vip(kube_vip: KubeVipSettings | None, *others: HostReport) -> Draft:
    """The draft of a host with kube-vip's manifest."""
    report = HostReport(
        "a", ("10.5.0.99/32", "10.5.0.1/24"), programs_of(KUBESPRAY), static_pods=PODS | {"kube-vip"}, kube_vip=kube_vip
    )
    hosts = {one.addresses[0].partition("/")[0]: one for one in others}
    return draft_of(report, Others(hosts=hosts), source="a host", ssh={}, jump=None, reached_by="10.5.0.1")


def test_the_vip_of_kube_vip_is_watched_with_its_lease() -> None:
    settings = KubeVipSettings("10.5.0.99", "cp-lock", arp=True, elects=True)
    draft = draft_with_kube_vip(settings)
    inventory = examine(write(draft), "<draft>", Path("/")).inventory
    assert inventory is not None
    assert inventory.kube_vip == KubeVip(address="10.5.0.99", lease="cp-lock")
    assert inventory.vips == ()
    assert endpoint(inventory) == ("10.5.0.99", 6443)
    assert [host.address for host in inventory.hosts][:1] == ["10.5.0.1"]
    assert [note for note in draft.notes if "the lease cp-lock are watched" in note]


def test_a_host_without_kube_vips_manifest_takes_it_from_another_one() -> None:
    settings = KubeVipSettings("10.5.0.99", arp=True, elects=True)
    other = HostReport("b", ("10.5.0.2/24",), programs_of(KUBESPRAY), kube_vip=settings)
    assert draft_with_kube_vip(None, other).kube_vip == {"address": "10.5.0.99"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (KubeVipSettings("10.5.0.99", elects=True), "announces the address by routes"),
        (KubeVipSettings("10.5.0.99", arp=True), "without leader election"),
        (KubeVipSettings("10.5.0.99", namespace="vip", arp=True, elects=True), "in the namespace vip"),
        (KubeVipSettings("api.example.org", arp=True, elects=True), "its address is a name, api.example.org"),
        (None, "names no address of the control plane"),
    ],
)
def test_a_vip_of_kube_vip_that_cannot_be_watched_is_in_a_note(settings: KubeVipSettings | None, reason: str) -> None:
    draft = draft_with_kube_vip(settings)
    assert draft.kube_vip == {}
    assert [note for note in draft.notes if reason in note and "not watched" in note]
