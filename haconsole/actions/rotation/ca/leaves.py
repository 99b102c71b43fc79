"""The second phase of a CA rotation: the new CA signs every leaf certificate, the new key signs tokens."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from haconsole.actions.build import script
from haconsole.actions.operations import (
    IssueCertificate,
    PairForm,
    UndoByRestoringFiles,
)
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.replacing import CaReplacement, Phase, or_after_last_phase, run_step
from haconsole.actions.rotation.ca.turn import leaf_files, nodes_seen, serving, turn
from haconsole.actions.rotation.ca.workloads import renew_workloads
from haconsole.actions.rotation.desired import ALL, HostLeaf, leaves_of_host, name_steps, renew_step
from haconsole.actions.rotation.leaves import etcd_gate
from haconsole.actions.rotation.rolling_restart import (
    restart_order,
)
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import Host

SWITCH_WHY = "By now every API server accepts tokens of both keys; the new key signs new tokens."


def leaves(now: CaReplacement) -> tuple[Group, ...]:
    """New leaves host by host; processes that do not reload are restarted."""
    groups: list[Group] = []
    for host in restart_order(now.ctx):
        mine = tuple(one for one in leaves_of_host(now.ctx, host, ALL) if now.of(one.leaf.authority))
        groups.append((*(_successors(now, one) for one in mine), *_switch(now, host)))
        groups.append(name_steps(mine, Phase.LEAVES))
        groups.append((*etcd_gate(now.ctx, host, mine, Phase.LEAVES),))
        groups += turn(now, host, Phase.LEAVES, leaf_files(mine), serving(now, host))
    return (*groups, nodes_seen(now, Phase.LEAVES), renew_workloads(now, Phase.LEAVES))


def _successors(now: CaReplacement, one: HostLeaf) -> Step:
    """The leaf signed by the new CA, with a certificate cross-signed by the old one."""
    material = now.of(one.leaf.authority)
    assert material is not None
    replaced = one.observed.fingerprint if one.observed and one.observed.issued_by != material.new else ""
    # only clients verify a chain with the old CA; servers trust both CAs by now
    is_served = one.leaf.form is PairForm.FILES
    plain = renew_step(one, Phase.LEAVES)
    assert isinstance(plain.operation, IssueCertificate)
    return replace(
        plain,
        operation=replace(
            plain.operation,
            authority=f"{one.leaf.authority}-next",
            authority_cert_path=material.next.cert,
            authority_key_path=material.next.key,
            replaces=replaced,
            cross_cert_path=material.files.cert if is_served else "",
            cross_key_path=material.files.key if is_served else "",
        ),
        verification=or_after_last_phase(material, *plain.verification),
    )


def _switch(now: CaReplacement, host: Host) -> Iterator[Step]:
    for one in now.several:
        if one.is_tokens and host in one.holders:
            new = script(
                scripts.SWITCHED,
                "switched",
                one.files.key,
                one.next.key,
                means=f"{one.files.key} is the new key",
                problem=f"{one.files.key} is the old key",
            )
            yield run_step(
                "pki.service-account-switch",
                host,
                "Sign service-account tokens with the new key",
                SWITCH_WHY,
                Phase.LEAVES,
                scripts.SWITCH,
                (one.files.key, one.next.key, one.previous, now.end),
                or_after_last_phase(one, new),
                UndoByRestoringFiles((one.files.key,)),
            )
