"""Undoes a CA rotation before its last phase: the old CA signs leaf certificates again; the new CA is renamed."""

from __future__ import annotations

from collections.abc import Iterator

from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import script
from haconsole.actions.operations import (
    UndoByRestoringFiles,
)
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.kubeadm import authentication, cluster_info, embedded, no_signing_file, signs_with_ca
from haconsole.actions.rotation.ca.replacing import CaReplacement, run_step, short
from haconsole.actions.rotation.ca.state import CaState
from haconsole.actions.rotation.ca.turn import leaf_files, nodes_seen, turn
from haconsole.actions.rotation.ca.workloads import no_old_credentials, renew_tokens, renew_workloads
from haconsole.actions.rotation.desired import ALL, HostLeaf, leaves_of_host, renew_step
from haconsole.actions.rotation.leaves import etcd_gate
from haconsole.actions.rotation.rolling_restart import (
    restart_order,
)
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import Host

BACK_WHY = (
    "Every certificate in use is signed by the old CA again. The new CA's files are no longer needed and are renamed."
)


def back(now: CaReplacement) -> tuple[Group, ...]:
    """Leaves of the old CA again, then the new CA renamed."""
    groups: list[Group] = []
    for host in restart_order(now.ctx):
        mine = tuple(one for one in leaves_of_host(now.ctx, host, ALL) if _came(now, one))
        groups.append((*(renew_step(one, "leaves-back") for one in mine), *_restore(now, host)))
        groups.append((*etcd_gate(now.ctx, host, mine, "leaves-back"),))
        groups += turn(now, host, "leaves-back", leaf_files(mine), ())
    groups.append(nodes_seen(now, "leaves-back"))
    groups.append(renew_workloads(now, "leaves-back", back=True))
    groups.append(no_old_credentials(now, "trust-back", back=True))
    for host in restart_order(now.ctx):
        groups.append(tuple(_set_aside(now, one, host) for one in now.several if host in one.users))
        groups.append((*embedded(now, host, "trust-back"), *signs_with_ca(now, host, "trust-back")))
        groups += turn(now, host, "trust-back", {}, ())
    return (
        *groups,
        (
            *cluster_info(now, "trust-back"),
            *authentication(now, "trust-back"),
            *no_signing_file(now, "trust-back"),
            *renew_tokens(now, "trust-back"),
        ),
        nodes_seen(now, "trust-back"),
        tuple(verify_steps(now.ctx)),
    )


def _restore(now: CaReplacement, host: Host) -> Iterator[Step]:
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
                        means=f"{one.files.key} is the old key",
                        problem=f"{one.files.key} is not the old key",
                    ),
                ),
                UndoByRestoringFiles((one.files.key,)),
            )


def _set_aside(now: CaReplacement, one: CaState, host: Host) -> Step:
    removed_check = script(
        scripts.DROPPED,
        "dropped",
        one.files.cert,
        one.next.cert,
        one.new,
        means=f"{one.files.cert} contains only the old CA or key",
        problem="the new CA or key is still there",
    )
    return run_step(
        f"pki.{one.name}-alone",
        host,
        f"Keep only the older of the two {short(one)}",
        BACK_WHY,
        "trust-back",
        scripts.BACK,
        (one.files.cert, one.next.cert, one.next.key, one.new, now.end),
        (removed_check,),
        UndoByRestoringFiles((one.files.cert,)),
    )


def _came(now: CaReplacement, one: HostLeaf) -> bool:
    material = now.of(one.leaf.authority)
    return material is not None and (one.observed is None or one.observed.issued_by != material.old)
