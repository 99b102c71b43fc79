"""The last phase: every leaf verified with the CA that came, then the older one let go."""

from __future__ import annotations

from dataclasses import replace

from haconsole.actions.bootstrap.certificates import signing_step
from haconsole.actions.bootstrap.leaves import KUBERNETES_CA
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import look_step, script
from haconsole.actions.checks import Check
from haconsole.actions.operations import (
    Irreversible,
)
from haconsole.actions.rotation.ca import scripts
from haconsole.actions.rotation.ca.material import Material
from haconsole.actions.rotation.ca.replacing import NONE, Phase, Replacing, leaves_of, or_over, run_step, short
from haconsole.actions.rotation.ca.turn import nodes_seen, turn
from haconsole.actions.rotation.turns import (
    turns,
)
from haconsole.actions.rotation.wanted import Held
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import CaKeyPlace, Host

DROP_WHY = "Nothing in use was signed by the older one any more; what it signed elsewhere is refused from here on."
STRIP_WHY = "The older CA's word for the new one was for clients that know the older one alone."
VERIFY_WHY = "The older one is let go only when every leaf on every host verifies with the new one alone."
LAST = Irreversible("the older CA is dropped; rotate again for another one")


def drop(now: Replacing) -> tuple[Group, ...]:
    """Every leaf verified with the new CA alone, then the older one let go, host by host."""
    every = {host.name: leaves_of(now, host) for host in turns(now.found)}
    groups: list[Group] = [
        tuple(_verify(now, host, every[host.name]) for host in turns(now.found) if every[host.name]),
        tuple(_strip(host, every[host.name]) for host in turns(now.found) if every[host.name]),
    ]
    for host in turns(now.found):
        groups.append(tuple(_drop(now, one, host) for one in now.several if host in one.users))
        groups.append(_signing(now, host))
        groups += turn(now, host, Phase.DROP, {}, ())
    return (*groups, nodes_seen(now, Phase.DROP), tuple(verify_steps(now.found)))


def _verify(now: Replacing, host: Host, mine: tuple[Held, ...]) -> Step:
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
            means=f"every leaf verifies with the new {name} alone",
            otherwise=f"a leaf does not verify with the new {name}",
        )
        checks += or_over(material, verifies)
    title = "See every leaf verify with the new CAs alone"
    return look_step("pki.verified", host.name, checks, title=title, why=VERIFY_WHY, phase=Phase.DROP)


def _strip(host: Host, mine: tuple[Held, ...]) -> Step:
    files = tuple(one.leaf.files.cert for one in mine)
    alone = script(
        scripts.ALONE, "alone", *files, means="each file holds its leaf alone", otherwise="more than a leaf is there"
    )
    return run_step(
        "pki.strip",
        host,
        "Take the older CAs' word for the new ones out of the leaves' files",
        STRIP_WHY,
        Phase.DROP,
        scripts.STRIP,
        files,
        (alone,),
        Irreversible("a leaf is good without it wherever the new CA is trusted"),
    )


def _drop(now: Replacing, one: Material, host: Host) -> Step:
    dropped = script(
        scripts.DROPPED,
        "dropped",
        one.files.cert,
        one.next.cert,
        one.goes or NONE,
        means=f"{one.files.cert} holds the new one alone",
        otherwise="the older one is still there",
    )
    return run_step(
        f"pki.{one.name}-drop",
        host,
        f"Drop the older of the {short(one)}",
        DROP_WHY,
        Phase.DROP,
        scripts.DROP,
        (one.files.cert, one.next.cert, one.files.key, one.next.key, one.previous, now.end),
        (dropped,),
        LAST,
    )


def _signing(now: Replacing, host: Host) -> Group:
    signs = now.found.inventory.pki.ca_key is CaKeyPlace.HOSTS
    if not signs or now.of(KUBERNETES_CA) is None or host not in now.found.control_planes:
        return ()
    return (replace(signing_step(now.found, host, ()), undo=LAST, phase=Phase.DROP),)
