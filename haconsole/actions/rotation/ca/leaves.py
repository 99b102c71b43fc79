"""The second phase: every leaf signed by the new CA, tokens by the new key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from haconsole.actions.build import script
from haconsole.actions.operations import (
    IssueCertificate,
    PutBack,
)
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.replacing import Phase, Replacing, or_over, run_step
from haconsole.actions.rotation.ca.turn import leaf_files, nodes_seen, serving, turn
from haconsole.actions.rotation.leaves import etcd_gate
from haconsole.actions.rotation.turns import (
    turns,
)
from haconsole.actions.rotation.wanted import ALL, Held, held, name_steps, renew_step
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import Host

SWITCH_WHY = "By now every API server accepts tokens of both keys; the new key signs new ones."


def leaves(now: Replacing) -> tuple[Group, ...]:
    """New leaves host by host; processes that do not reload are restarted."""
    groups: list[Group] = []
    for host in turns(now.found):
        mine = tuple(one for one in held(now.found, host, ALL) if now.of(one.leaf.authority))
        groups.append((*(_successors(now, one) for one in mine), *_switch(now, host)))
        groups.append(name_steps(mine, Phase.LEAVES))
        groups.append((*etcd_gate(now.found, host, mine, Phase.LEAVES),))
        groups += turn(now, host, Phase.LEAVES, leaf_files(mine), serving(now, host))
    return (*groups, nodes_seen(now, Phase.LEAVES))


def _successors(now: Replacing, one: Held) -> Step:
    """The leaf signed by the new CA, with a certificate cross-signed by the old one."""
    material = now.of(one.leaf.authority)
    assert material is not None
    replaced = one.seen.fingerprint if one.seen and one.seen.issued_by != material.comes else ""
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
            cross_cert_path=material.files.cert,
            cross_key_path=material.files.key,
        ),
        verification=or_over(material, *plain.verification),
    )


def _switch(now: Replacing, host: Host) -> Iterator[Step]:
    for one in now.several:
        if one.is_tokens and host in one.holders:
            new = script(
                scripts.SWITCHED,
                "switched",
                one.files.key,
                one.next.key,
                means=f"{one.files.key} is the new one",
                otherwise=f"{one.files.key} is the old one",
            )
            yield run_step(
                "pki.service-account-switch",
                host,
                "Sign service-account tokens with the new key",
                SWITCH_WHY,
                Phase.LEAVES,
                scripts.SWITCH,
                (one.files.key, one.next.key, one.previous, now.end),
                or_over(one, new),
                PutBack((one.files.key,)),
            )
