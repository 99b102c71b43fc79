"""The table of all rules about an inventory, with the sections of the file that each needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from haconsole.inventory.decode import EVERYTHING, Decoded
from haconsole.inventory.marks import Marks
from haconsole.inventory.problems import Fault
from haconsole.inventory.rules import (
    etcd,
    guardrails,
    kubeadm,
    kubernetes,
    naming,
    networks,
    paths,
    ports,
    preparation,
    reach,
    roles,
    vips,
)
from haconsole.inventory.schema import Inventory

Check: TypeAlias = Callable[[Inventory, Marks], Iterator[Fault]]


class Rule(msgspec.Struct, frozen=True):
    """`reads` are the top-level keys that must be free of faults; none: what could be read is judged as it is."""

    check: Check
    reads: frozenset[str] = frozenset()


def _rule(check: Check, *reads: str) -> Rule:
    return Rule(check, frozenset((*reads, EVERYTHING)) if reads else frozenset())


RULES: tuple[Rule, ...] = (
    _rule(naming.names_are_unique),
    _rule(naming.addresses_are_unique),
    _rule(naming.etcd_names_are_unique),
    _rule(naming.highest_priority_is_unique),
    _rule(naming.vips_are_unique),
    _rule(naming.router_ids_are_unique),
    _rule(roles.roles_go_together),
    _rule(roles.settings_fit_roles, "hosts"),
    _rule(roles.roles_fit_parts, "hosts", "etcd", "kubernetes", "vips", "haproxy"),
    _rule(reach.jumps_lead_somewhere, "hosts", "ssh"),
    _rule(reach.logins_are_distinct, "hosts", "ssh"),
    _rule(reach.root_is_reachable, "hosts", "ssh"),
    _rule(etcd.voters_make_a_quorum, "hosts"),
    _rule(etcd.timing_holds, "etcd"),
    _rule(etcd.discovery_is_whole, "etcd"),
    _rule(etcd.clients_are_known, "etcd", "kubernetes"),
    _rule(etcd.external_etcd_is_separate, "hosts", "etcd", "kubernetes"),
    _rule(kubernetes.endpoint_is_said, "hosts", "kubernetes", "vips", "haproxy", "kube_vip"),
    _rule(kubernetes.endpoint_leads_to_a_balancer, "hosts", "kubernetes", "vips", "haproxy"),
    _rule(kubernetes.leader_timing_holds, "kubernetes"),
    _rule(kubernetes.version_is_supported, "kubernetes"),
    _rule(kubeadm.kubeadm_settings_have_an_effect, "kubernetes"),
    _rule(kubeadm.kubeadm_settings_are_free, "kubernetes"),
    _rule(preparation.repositories_are_usable, "preparation"),
    _rule(preparation.archives_are_verifiable, "preparation"),
    _rule(preparation.node_settings_have_an_effect, "preparation", "kubernetes"),
    _rule(networks.networks_have_a_size, "kubernetes"),
    _rule(networks.networks_are_apart, "kubernetes"),
    _rule(networks.addresses_are_outside, "kubernetes"),
    _rule(vips.balancers_carry_vips, "hosts", "vips"),
    _rule(vips.vips_are_no_hosts),
    _rule(vips.kube_vip_is_apart, "hosts", "vips", "kube_vip"),
    _rule(vips.interfaces_are_known, "hosts", "vips"),
    _rule(vips.vips_are_in_the_balancers_network, "hosts", "vips"),
    _rule(vips.families_match, "hosts", "vips"),
    _rule(vips.passwords_are_sent, "vips"),
    _rule(ports.ports_are_free, "hosts", "ssh", "etcd", "kubernetes", "haproxy"),
    _rule(guardrails.guardrails_are_complete, "guardrails"),
    _rule(paths.paths_are_apart, "etcd", "kubernetes", "haproxy", "keepalived"),
    _rule(paths.certificates_end_before_their_authority, "pki"),
)


def judge(decoded: Decoded) -> Iterator[Fault]:
    """The faults of every rule whose parts could be read."""
    for rule in RULES:
        if not rule.reads & decoded.invalid:
            yield from rule.check(decoded.inventory, decoded.marks)
