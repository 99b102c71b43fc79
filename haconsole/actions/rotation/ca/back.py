"""The undo of a rotation, until the last phase: leaves of the old CA again, then the new CA renamed."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import script
from haconsole.actions.operations import (
    PutBack,
)
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.material import Material
from haconsole.actions.rotation.ca.replacing import Replacing, run_step, short
from haconsole.actions.rotation.ca.turn import leaf_files, nodes_seen, turn
from haconsole.actions.rotation.leaves import etcd_gate
from haconsole.actions.rotation.turns import (
    turns,
)
from haconsole.actions.rotation.wanted import ALL, Held, held, renew_step
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import Host

BACK_WHY = "The old CA signs everything in use again, so the new one is renamed."


def back(now: Replacing) -> tuple[Group, ...]:
    """Leaves of the old CA again, then the new CA renamed."""
    groups: list[Group] = []
    for host in turns(now.found):
        mine = tuple(one for one in held(now.found, host, ALL) if _came(now, one))
        groups.append((*(renew_step(one, "leaves-back") for one in mine), *_restore(now, host)))
        groups.append((*etcd_gate(now.found, host, mine, "leaves-back"),))
        groups += turn(now, host, "leaves-back", leaf_files(mine), ())
    groups.append(nodes_seen(now, "leaves-back"))
    for host in turns(now.found):
        groups.append(tuple(_set_aside(now, one, host) for one in now.several if host in one.users))
        groups += turn(now, host, "trust-back", {}, ())
    return (*groups, nodes_seen(now, "trust-back"), tuple(verify_steps(now.found)))


def _restore(now: Replacing, host: Host) -> Iterator[Step]:
    for one in now.several:
        if one.is_tokens and host in one.holders:
            yield run_step(
                "pki.service-account-back",
                host,
                "Sign service-account tokens with the old key again",
                "Every API server still accepts tokens of both keys.",
                "leaves-back",
                scripts.RESTORE,
                (one.files.key, one.previous, now.end),
                (
                    script(
                        scripts.RESTORED,
                        "restored",
                        one.previous,
                        means=f"{one.files.key} is the old one",
                        otherwise=f"{one.files.key} is not the old one",
                    ),
                ),
                PutBack((one.files.key,)),
            )


def _set_aside(now: Replacing, one: Material, host: Host) -> Step:
    gone = script(
        scripts.DROPPED,
        "dropped",
        one.files.cert,
        one.next.cert,
        one.comes,
        means=f"{one.files.cert} holds only the old one",
        otherwise="the new one is still there",
    )
    return run_step(
        f"pki.{one.name}-alone",
        host,
        f"Trust only the old of the {short(one)} again",
        BACK_WHY,
        "trust-back",
        scripts.BACK,
        (one.files.cert, one.next.cert, one.next.key, one.comes, now.end),
        (gone,),
        PutBack((one.files.cert,)),
    )


def _came(now: Replacing, one: Held) -> bool:
    material = now.of(one.leaf.authority)
    return material is not None and (one.seen is None or one.seen.issued_by != material.goes)
