"""The last phase of a CA rotation: every leaf certificate is verified with the new CA, then the old CA is removed.

The certificate of the new CA stays in a file of its own until nothing else is to be changed. So every host shows an
unfinished rotation, also one that has only ConfigMaps, tokens or restarts left.
"""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.actions.bootstrap.certificates import signing_step
from haconsole.actions.bootstrap.leaves import KUBERNETES_CA
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import Check, FilesAbsent
from haconsole.actions.operations import Irreversible, LeftByUndo, PairForm, RunCommand
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.kubeadm import authentication, cluster_info, embedded, no_signing_file, signs_with_ca
from haconsole.actions.rotation.ca.replacing import (
    NONE,
    CaReplacement,
    Phase,
    leaves_of,
    or_after_last_phase,
    run_step,
    short,
)
from haconsole.actions.rotation.ca.state import CaState
from haconsole.actions.rotation.ca.turn import nodes_seen, turn
from haconsole.actions.rotation.ca.workloads import no_old_credentials, renew_tokens
from haconsole.actions.rotation.desired import HostLeaf
from haconsole.actions.rotation.rolling_restart import (
    restart_order,
)
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.configs.layout import is_kubeadm
from haconsole.inventory.schema import CaKeyPlace, Host
from haconsole.model.names import HostName

DROP_WHY = (
    "Nothing in use is signed by the old CA any more. Its certificates that are used outside the cluster are "
    "refused from now on."
)
STRIP_WHY = "The cross-signed certificates were for clients that trust only the old CA."
VERIFY_WHY = "The old CA is removed only when the new CA is enough to verify every leaf certificate on every host."
FINISH_WHY = "These files show on every host that the rotation is unfinished. Nothing else is left to change now."
LAST = Irreversible("the old CA has been removed; to replace the present one, rotate again")


def drop(now: CaReplacement) -> tuple[Group, ...]:
    """Every leaf verified with only the new CA, then the old one removed, host by host."""
    every = {host.name: leaves_of(now, host) for host in restart_order(now.ctx)}
    groups: list[Group] = [
        no_old_credentials(now, Phase.DROP),
        tuple(_verify(now, host, every[host.name]) for host in restart_order(now.ctx) if every[host.name]),
        tuple(_strip(host, every[host.name]) for host in restart_order(now.ctx) if _with_chains(every[host.name])),
    ]
    for host in restart_order(now.ctx):
        groups.append(tuple(_drop(now, one, host) for one in now.several if host in one.users))
        groups.append(embedded(now, host, Phase.DROP))
        groups.append((*_signing(now, host), *signs_with_ca(now, host)))
        groups += turn(now, host, Phase.DROP, {}, ())
    return (
        *groups,
        (
            *cluster_info(now, Phase.DROP),
            *authentication(now, Phase.DROP),
            *no_signing_file(now),
            *renew_tokens(now, Phase.DROP),
        ),
        nodes_seen(now, Phase.DROP),
        _finish(now),
        tuple(verify_steps(now.ctx)),
    )


def _verify(now: CaReplacement, host: Host, mine: tuple[HostLeaf, ...]) -> Step:
    several = tuple(dict.fromkeys(one.leaf.authority for one in mine))
    checks: tuple[Check, ...] = ()
    for name in several:
        material = now.of(name)
        assert material is not None
        pairs = (
            word for one in mine if one.leaf.authority == name for word in (material.next.cert, one.leaf.files.cert)
        )
        verifies = script(
            scripts.VERIFIES,
            "verifies",
            *pairs,
            means=f"every leaf verifies with only the new {name}",
            problem=f"a leaf does not verify with the new {name}",
        )
        checks += or_after_last_phase(material, verifies)
    title = "Verify every leaf with only the new CAs"
    return look_step("pki.verified", host.name, checks, title=title, why=VERIFY_WHY, phase=Phase.DROP)


def _with_chains(mine: tuple[HostLeaf, ...]) -> bool:
    return any(one.leaf.form is PairForm.FILES for one in mine)


def _strip(host: Host, mine: tuple[HostLeaf, ...]) -> Step:
    files = tuple(one.leaf.files.cert for one in mine if one.leaf.form is PairForm.FILES)
    alone = script(
        scripts.ALONE,
        "alone",
        *files,
        means="each file contains only its leaf certificate",
        problem="a file contains more than its leaf certificate",
    )
    return run_step(
        "pki.strip",
        host,
        "Remove the cross-signed CA certificates from the files of leaf certificates",
        STRIP_WHY,
        Phase.DROP,
        scripts.STRIP,
        files,
        (alone,),
        LeftByUndo("wherever the new CA is trusted, a leaf is valid without the cross-signed certificate"),
    )


def _drop(now: CaReplacement, one: CaState, host: Host) -> Step:
    drop_check = script(
        scripts.DROPPED,
        "dropped",
        one.files.cert,
        one.next.key,
        one.old or NONE,
        means=f"{one.files.cert} contains only the new CA or key",
        problem="the old CA or key is still there",
    )
    return run_step(
        f"pki.{one.name}-drop",
        host,
        f"Delete the older of the two {short(one)} from its file",
        DROP_WHY,
        Phase.DROP,
        scripts.DROP,
        (one.files.cert, one.next.cert, one.files.key, one.next.key, one.previous, now.end),
        (drop_check,),
        LAST,
    )


def _signing(now: CaReplacement, host: Host) -> Group:
    signs = now.ctx.inventory.pki.ca_key is CaKeyPlace.HOSTS and not is_kubeadm(now.ctx.inventory)
    if not signs or now.of(KUBERNETES_CA) is None or host not in now.ctx.control_planes:
        return ()
    return (replace(signing_step(now.ctx, host, ()), undo=LAST, phase=Phase.DROP),)


def _finish(now: CaReplacement) -> Group:
    """The rotation is no longer shown as unfinished."""
    files = {
        host.name: tuple(one.next.cert for one in now.several if host in one.users) for host in restart_order(now.ctx)
    }
    return tuple(
        Step(
            id=step_id("pki.rotation-end", host),
            title="Remove the separate files of the new CAs and keys",
            why=FINISH_WHY,
            host=HostName(host),
            operation=RunCommand(("rm", "-f", "--", *paths)),
            verification=(FilesAbsent(paths, "not removed"),),
            undo=Irreversible("the files in use have the same content"),
            phase=Phase.DROP,
        )
        for host, paths in files.items()
        if paths
    )
