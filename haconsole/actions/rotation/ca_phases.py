"""The phases of replacing CAs: both trusted everywhere, new leaves, the older one dropped; and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from haconsole.actions.bootstrap.certificates import signing_step
from haconsole.actions.bootstrap.ground import Ground
from haconsole.actions.bootstrap.leaves import ETCD_CA, KUBERNETES_CA
from haconsole.actions.bootstrap.verify import verify_steps
from haconsole.actions.build import look_step, script, step_id
from haconsole.actions.checks import AnyOf, AuthorityInPlace, Check, CommandSucceeds
from haconsole.actions.operations import (
    EnsureAuthority,
    EnsureKeyPair,
    Irreversible,
    IssueCertificate,
    PutBack,
    RunCommand,
    TrustAuthority,
    Undo,
)
from haconsole.actions.rotation import ca_scripts as scripts
from haconsole.actions.rotation.authorities import Material
from haconsole.actions.rotation.leaves import etcd_gate
from haconsole.actions.rotation.turns import (
    api_turn,
    component_restart,
    etcd_turn,
    haproxy_reload,
    locks_held,
    names,
    serves,
    turns,
)
from haconsole.actions.rotation.wanted import ALL, Held, held, renew_step
from haconsole.actions.step import Step
from haconsole.actions.steps.order import Group
from haconsole.inventory.schema import CaKeyPlace, Host
from haconsole.model.names import HostName


class Phase(StrEnum):
    """How far a rotation of CAs has come, or is to go."""

    TRUST = "trust"
    LEAVES = "leaves"
    DROP = "drop"


MAKE_WHY = "It is made before anybody needs it, and signs nothing until everybody trusts it."
JOIN_WHY = "Who trusts both accepts what either signed, so that leaves can change one after the other."
SWITCH_WHY = "Every API server accepts tokens of both keys by now; new ones are signed with the one that comes."
DROP_WHY = "Nothing in use was signed by the older one any more; what it signed elsewhere is refused from here on."
STRIP_WHY = "The older CA's word for the new one was for clients that know the older one alone."
VERIFY_WHY = "The older one is let go only when every leaf on every host verifies with the new one alone."
BACK_WHY = "Everything in use is signed by the older one again, so the one that was to come is set aside."
NONE = "-"
"""No fingerprint: the older one is gone from every host already."""
LAST = Irreversible("the older CA is dropped; rotate again for another one")
UNUSED = Irreversible("it signs nothing that is in use; set aside with: run rotate-certs --ca --back")


@dataclass(frozen=True, slots=True)
class Replacing:
    """What a plan replaces, on which ground; `end` is what names set aside end with."""

    found: Ground
    several: tuple[Material, ...]
    end: str

    def of(self, name: str) -> Material | None:
        return next((one for one in self.several if one.name == name), None)

    def files_on(self, host: Host) -> tuple[str, ...]:
        """The bundles that the host has of these."""
        return tuple(one.files.cert for one in self.several if host in one.users)


def trust(now: Replacing) -> tuple[Group, ...]:
    """Made, given to every host, taken up by every process."""
    phase = Phase.TRUST
    groups: list[Group] = [
        tuple(_make(now, one) for one in now.several),
        tuple(_give(one, host) for one in now.several for host in one.users if host not in one.holders),
        tuple(_join(now, one, host) for one in now.several for host in one.users),
    ]
    for host in turns(now.found):
        groups += _turn(now, host, phase, {}, ())
    return tuple(groups)


def leaves(now: Replacing) -> tuple[Group, ...]:
    """New leaves host by host; what does not take them up by itself is restarted."""
    groups: list[Group] = []
    for host in turns(now.found):
        mine = tuple(one for one in held(now.found, host, ALL) if now.of(one.leaf.authority))
        groups.append((*(_successors(now, one) for one in mine), *_switch(now, host)))
        groups.append((*etcd_gate(now.found, host, mine, Phase.LEAVES),))
        groups += _turn(now, host, Phase.LEAVES, _leaf_files(mine), _serving(now, host))
    return tuple(groups)


def drop(now: Replacing) -> tuple[Group, ...]:
    """Every leaf verified with the new CA alone, then the older one let go, host by host."""
    every = {host.name: _leaves_of(now, host) for host in turns(now.found)}
    groups: list[Group] = [
        tuple(_verify(now, host, every[host.name]) for host in turns(now.found) if every[host.name]),
        tuple(_strip(host, every[host.name]) for host in turns(now.found) if every[host.name]),
    ]
    for host in turns(now.found):
        groups.append(tuple(_drop(now, one, host) for one in now.several if host in one.users))
        groups.append(_signing(now, host))
        groups += _turn(now, host, Phase.DROP, {}, ())
    return (*groups, tuple(verify_steps(now.found)))


def back(now: Replacing) -> tuple[Group, ...]:
    """Leaves of the older CA again, then the one that was to come set aside."""
    groups: list[Group] = []
    for host in turns(now.found):
        mine = tuple(one for one in held(now.found, host, ALL) if _came(now, one))
        groups.append((*(renew_step(one, "leaves-back") for one in mine), *_restore(now, host)))
        groups.append((*etcd_gate(now.found, host, mine, "leaves-back"),))
        groups += _turn(now, host, "leaves-back", _leaf_files(mine), ())
    for host in turns(now.found):
        groups.append(tuple(_set_aside(now, one, host) for one in now.several if host in one.users))
        groups += _turn(now, host, "trust-back", {}, ())
    return (*groups, tuple(verify_steps(now.found)))


def _gone(one: Material) -> CommandSucceeds:
    return script(
        scripts.GONE,
        "gone",
        one.files.cert,
        one.goes or NONE,
        means=f"{one.files.cert} holds the new one alone",
        otherwise="the older one is still there",
    )


def _or_over(one: Material, *checks: Check) -> tuple[Check, ...]:
    """The checks, or the state after the last phase."""
    return (AnyOf((checks, (_gone(one),))),)


def _make(now: Replacing, one: Material) -> Step:
    holders = names(one.holders)
    operation: EnsureAuthority | EnsureKeyPair
    if one.is_tokens:
        operation = EnsureKeyPair(one.next.cert, one.next.key, holders)
    else:
        operation = EnsureAuthority(
            f"{one.name}-next", f"{one.common_name}-{now.end}", one.next.cert, one.next.key, holders
        )
    kind = "key pair" if one.is_tokens else "CA"
    return Step(
        id=step_id(f"pki.{one.name}-next", holders[0]),
        title=f"Have a new {one.name.removesuffix('-ca')} {kind} beside the one in use",
        why=MAKE_WHY,
        host=holders[0],
        operation=operation,
        verification=_or_over(one, AuthorityInPlace()),
        undo=UNUSED,
        phase=Phase.TRUST,
    )


def _give(one: Material, host: Host) -> Step:
    return Step(
        id=step_id(f"pki.{one.name}-next-trust", host.name),
        title=f"Have the new {one.name.removesuffix('-ca')} CA's certificate",
        why=MAKE_WHY,
        host=HostName(host.name),
        operation=TrustAuthority(f"{one.name}-next", one.next.cert),
        verification=_or_over(one, AuthorityInPlace()),
        undo=PutBack((one.next.cert,)),
        phase=Phase.TRUST,
    )


def _run(
    what: str,
    host: Host,
    title: str,
    why: str,
    phase: str,
    text: str,
    words: tuple[str, ...],
    verification: tuple[Check, ...],
    undo: Undo,
) -> Step:
    return Step(
        id=step_id(what, host.name),
        title=title,
        why=why,
        host=HostName(host.name),
        operation=RunCommand(("sh", "-ec", text.strip(), "rotate", *words)),
        verification=verification,
        undo=undo,
        verify_within_s=5.0,
        phase=phase,
    )


def _short(one: Material) -> str:
    return "service-account keys" if one.is_tokens else f"{one.name.removesuffix('-ca')} CAs"


def _join(now: Replacing, one: Material, host: Host) -> Step:
    holds = script(
        scripts.HOLDS,
        "holds",
        one.files.cert,
        one.next.cert,
        means=f"{one.files.cert} holds both",
        otherwise=f"{one.files.cert} does not hold both",
    )
    return _run(
        f"pki.{one.name}-both",
        host,
        f"Trust both {_short(one)}",
        JOIN_WHY,
        Phase.TRUST,
        scripts.JOIN,
        (one.files.cert, one.next.cert, now.end),
        _or_over(one, holds),
        PutBack((one.files.cert,)),
    )


def _successors(now: Replacing, one: Held) -> Step:
    """The leaf by the CA that comes, with the older one's word for it."""
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
        verification=_or_over(material, *plain.verification),
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
                otherwise=f"{one.files.key} is the older one",
            )
            yield _run(
                "pki.service-account-switch",
                host,
                "Sign service-account tokens with the new key",
                SWITCH_WHY,
                Phase.LEAVES,
                scripts.SWITCH,
                (one.files.key, one.next.key, one.previous, now.end),
                _or_over(one, new),
                PutBack((one.files.key,)),
            )


def _restore(now: Replacing, host: Host) -> Iterator[Step]:
    for one in now.several:
        if one.is_tokens and host in one.holders:
            yield _run(
                "pki.service-account-back",
                host,
                "Sign service-account tokens with the older key again",
                "Every API server accepts tokens of both keys still.",
                "leaves-back",
                scripts.RESTORE,
                (one.files.key, one.previous, now.end),
                (
                    script(
                        scripts.RESTORED,
                        "restored",
                        one.previous,
                        means=f"{one.files.key} is the older one",
                        otherwise=f"{one.files.key} is not the older one",
                    ),
                ),
                PutBack((one.files.key,)),
            )


def _leaves_of(now: Replacing, host: Host) -> tuple[Held, ...]:
    return tuple(one for one in held(now.found, host, ALL) if now.of(one.leaf.authority))


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
        checks += _or_over(material, verifies)
    title = "See every leaf verify with the new CAs alone"
    return look_step("pki.verified", host.name, checks, title=title, why=VERIFY_WHY, phase=Phase.DROP)


def _strip(host: Host, mine: tuple[Held, ...]) -> Step:
    files = tuple(one.leaf.files.cert for one in mine)
    alone = script(
        scripts.ALONE, "alone", *files, means="each file holds its leaf alone", otherwise="more than a leaf is there"
    )
    return _run(
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
    return _run(
        f"pki.{one.name}-drop",
        host,
        f"Drop the older of the {_short(one)}",
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


def _set_aside(now: Replacing, one: Material, host: Host) -> Step:
    gone = script(
        scripts.DROPPED,
        "dropped",
        one.files.cert,
        one.next.cert,
        one.comes,
        means=f"{one.files.cert} holds the older one alone",
        otherwise="the one that was to come is still there",
    )
    return _run(
        f"pki.{one.name}-alone",
        host,
        f"Trust the older of the {_short(one)} alone again",
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


def _leaf_files(mine: tuple[Held, ...]) -> dict[str, tuple[str, ...]]:
    return {one.leaf.name: (one.leaf.files.cert, one.leaf.files.key) for one in mine}


def _serving(now: Replacing, host: Host) -> tuple[Check, ...]:
    kubernetes = now.found.layout.kubernetes
    if kubernetes is None or now.of(KUBERNETES_CA) is None or host not in now.found.control_planes:
        return ()
    return (serves(host, kubernetes.api_port, kubernetes.apiserver.cert),)


API_LEAVES = ("apiserver", "apiserver-etcd-client", "apiserver-kubelet-client", "front-proxy-client")


def _turn(
    now: Replacing, host: Host, phase: str, files: dict[str, tuple[str, ...]], also: tuple[Check, ...]
) -> tuple[Group, ...]:
    """Restart what reads its CAs, or the new `files` by role, at its start only. Leaves alone do not stop etcd."""
    found, groups = now.found, list[Group]()
    bundles = phase in (Phase.TRUST, Phase.DROP, "trust-back")
    beside = (*_steering(now, host, phase, files, bundles=bundles), *_balancer(now, host, phase, bundles=bundles))
    etcd_ca = now.of(ETCD_CA)
    if bundles and etcd_ca and host in found.etcd:
        groups += etcd_turn(found, host, phase, (etcd_ca.files.cert,), phase)
    if host in found.control_planes and found.layout.kubernetes:
        tokens = tuple(path for one in now.several if one.is_tokens for path in (one.files.cert, one.files.key))
        read = now.files_on(host) if bundles else tuple(path for role in API_LEAVES for path in files.get(role, ()))
        restart = component_restart(found, host, "kube-apiserver", phase, (*read, *tokens), phase, also)
        groups += api_turn(found, host, phase, restart, phase, beside)
    else:
        groups.append(beside)
    if now.of(KUBERNETES_CA) and host in found.control_planes:
        groups.append(locks_held(found, f"{phase}-{host.name}", host, phase))
    return tuple(groups)


def _steering(
    now: Replacing, host: Host, phase: str, files: dict[str, tuple[str, ...]], *, bundles: bool
) -> Iterator[Step]:
    found, kubernetes_ca = now.found, now.of(KUBERNETES_CA)
    kubernetes = found.layout.kubernetes
    if kubernetes_ca is None or kubernetes is None or host not in found.control_planes:
        return
    tokens = tuple(one.files.key for one in now.several if one.is_tokens)
    for role in ("controller-manager", "scheduler"):
        own = (kubernetes_ca.files.cert,) if bundles else files.get(role, ())
        extra = (*tokens, kubernetes.signing_ca) if role == "controller-manager" else ()
        yield component_restart(found, host, f"kube-{role}", phase, (*own, *extra), phase)


def _balancer(now: Replacing, host: Host, phase: str, *, bundles: bool) -> Group:
    kubernetes_ca = now.of(KUBERNETES_CA)
    if not bundles or kubernetes_ca is None or host not in kubernetes_ca.users:
        return ()
    return haproxy_reload(now.found, host, phase, (kubernetes_ca.files.cert,), phase)
