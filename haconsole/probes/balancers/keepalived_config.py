"""keepalived.conf of any origin, as the VRRP instances that keepalived makes of it (keepalived.conf(5))."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from haconsole.model.names import Vip
from haconsole.model.vip import VrrpInstance
from haconsole.probes.balancers.keepalived_blocks import Block, read
from haconsole.probes.balancers.keepalived_lines import ConfigFiles

_DEFAULT_PRIORITY, _OWNER = 100, 255
_LONGEST_PASSWORD = 8
_GROUP_WEIGHTS = ("sync_group_tracking_weight", "global_tracking")
_TRACKING = {
    "track_script": ("vrrp_script",),
    "track_process": ("vrrp_track_process",),
    "track_interface": (),
    "track_file": ("vrrp_track_file", "track_file"),
}
"""The objects that an instance tracks, and the blocks that define them; an interface needs no definition."""


class ConfiguredVip(msgspec.Struct, frozen=True):
    """`prefix` and `interface` are None where the line names none; `excluded` ones are not in the adverts."""

    address: Vip
    prefix: int | None = None
    interface: str | None = None
    excluded: bool = False


class Tracked(msgspec.Struct, frozen=True):
    """Something an instance tracks; while a weight is 0 its failure puts the instance in FAULT."""

    keyword: str
    name: str
    weight: int


class ConfiguredInstance(msgspec.Struct, frozen=True):
    """A VRRP instance as configured: what keepalived ignores is not in it, what it defaults is."""

    name: str
    interface: str
    router_id: int
    priority: int
    version: int
    starts_as_master: bool
    vips: tuple[ConfiguredVip, ...]
    advert_int_s: float
    unicast_peers: tuple[str, ...]
    nopreempt: bool
    auth_type: str | None
    auth_pass: str
    tracked: tuple[Tracked, ...]


def configured(files: ConfigFiles) -> tuple[ConfiguredInstance, ...]:
    """The instances in the configuration's order; raises EndlessConfigError."""
    top = read(files)
    groups = tuple(top.named("vrrp_sync_group"))
    instances = tuple(_instance(block, top) for block in top.named("vrrp_instance"))
    grouped = {one.name: _group_of(one.name, groups) for one in instances}
    return tuple(
        _grouped(
            one, grouped[one.name], tuple(each for each in instances if grouped[each.name] is grouped[one.name]), top
        )
        for one in instances
    )


def instances(files: ConfigFiles, secret: bytes) -> tuple[VrrpInstance, ...]:
    """The instances, their state still unknown.

    `secret` keys the fingerprint of a password, so that equal ones are recognised among hosts and none can be guessed.
    """
    return tuple(_as_vrrp(one, secret) for one in configured(files))


def scripts_needed(files: ConfigFiles) -> dict[str, frozenset[str]]:
    """By instance, the scripts whose failure puts it in FAULT: those it tracks with no weight."""
    return {
        one.name: frozenset(each.name for each in one.tracked if each.keyword == "track_script" and each.weight == 0)
        for one in configured(files)
    }


def _as_vrrp(one: ConfiguredInstance, secret: bytes) -> VrrpInstance:
    return VrrpInstance(
        name=one.name,
        state=None,
        interface=one.interface,
        router_id=one.router_id,
        priority=one.priority,
        vips=tuple(vip.address for vip in one.vips),
        advert_int_s=one.advert_int_s,
        unicast_peers=one.unicast_peers,
        nopreempt=one.nopreempt,
        auth_fingerprint=_fingerprint(one, secret),
        track_weights=tuple(each.weight for each in one.tracked),
    )


def _instance(block: Block, top: Block) -> ConfiguredInstance:
    family, version = _family(block), _version(block, top)
    master = _master(block.values("state"))
    priority = _priority(block, master=master)
    starts_as_master = master or (priority == _OWNER and not block.values("state"))
    auth_type, auth_pass = _authentication(block, version, strict=_strict(block, top))
    return ConfiguredInstance(
        name=block.words[1],
        interface=block.value("interface"),
        router_id=_last_number(block.values("virtual_router_id"), 1, 255, 0),
        priority=priority,
        version=version,
        starts_as_master=starts_as_master,
        vips=tuple(_vips(block, family)),
        advert_int_s=_advert_int(block, version),
        unicast_peers=tuple(_peers(block, family)),
        nopreempt=_nopreempt(block) and not starts_as_master and priority != _OWNER,
        auth_type=auth_type,
        auth_pass=auth_pass,
        tracked=tuple(_weights_of_trackers(block, top)),
    )


def _master(states: tuple[str, ...]) -> bool:
    """Whether the initial state is MASTER: BACKUP after MASTER is ignored, an unknown word after it means BACKUP."""
    return next((state == "MASTER" for state in reversed(states) if state != "BACKUP"), False)


def _grouped(
    one: ConfiguredInstance, group: Block | None, members: tuple[ConfiguredInstance, ...], top: Block
) -> ConfiguredInstance:
    """The instance as its sync group and its priority leave its tracking, with what the group tracks.

    The interface of the instance is tracked anyway.
    """
    plain = group is not None and not any(line.words[0] in _GROUP_WEIGHTS for line in group.inside)
    own = tuple(each for each in one.tracked if (each.keyword, each.name) != ("track_interface", one.interface))
    if plain or one.priority == _OWNER:
        own = tuple(each for tracked in own for each in _without_weight(tracked, in_group=plain))
    if group is None:
        return replace(one, tracked=own)
    owner = any(member.priority == _OWNER for member in members)
    known = {(each.keyword, each.name) for each in own}
    shared = tuple(each for each in _weights_of_trackers(group, top) if (each.keyword, each.name) not in known)
    return replace(one, tracked=(*own, *(replace(each, weight=0) if owner else each for each in shared)))


def _without_weight(one: Tracked, *, in_group: bool) -> Iterator[Tracked]:
    """The rest of a tracked object without its weight; weights of processes always count."""
    if one.weight == 0 or one.keyword == "track_process":
        yield one
    elif (one.keyword == "track_interface" and in_group) or (one.keyword == "track_file" and one.weight == 1):
        yield replace(one, weight=0)


def _group_of(name: str, groups: tuple[Block, ...]) -> Block | None:
    """The first sync group that names the instance."""
    return next((group for group in groups if name in _members(group)), None)


def _members(group: Block) -> set[str]:
    """Of several lists in a sync group the first counts."""
    listed = next(group.all("group"), None)
    return {word for line in listed.inside for word in line.words} if listed else set()


def _priority(block: Block, *, master: bool) -> int:
    values = block.values("priority")
    if not values:
        return _OWNER if master else _DEFAULT_PRIORITY
    return _number(values[-1], 1, _OWNER) or _DEFAULT_PRIORITY


def _strict(block: Block, top: Block) -> bool:
    lines = [line for one in top.all("global_defs") for line in one.all("vrrp_strict")]
    own = list(block.all("strict_mode"))
    return own[-1].words[1:2] not in (("false",), ("off",), ("no",)) if own else bool(lines)


def _version(block: Block, top: Block) -> int:
    if _family(block) == 6:
        return 3
    general = [one.value("vrrp_version") for one in top.all("global_defs") if one.values("vrrp_version")]
    own = [number for value in block.values("version") if (number := _number(value, 2, 3))]
    return own[0] if own else (_number(general[-1], 2, 3) or 2) if general else 2


def _family(block: Block) -> int | None:
    """4 or 6: that of the first address in the block, which all others must share."""
    for line in block.inside:
        if line.words[0] == "native_ipv6":
            return 6
        listed = line.inside if line.words[0] in ("virtual_ipaddress", "unicast_peer") else ()
        values = [inner.words[0] for inner in listed]
        if line.words[0] in ("unicast_src_ip", "mcast_src_ip") and len(line.words) > 1:
            values = [line.words[1]]
        match = next((address for each in values if (address := _address(each))), None)
        if match:
            return match.version
    return None


def _vips(block: Block, family: int | None) -> Iterator[ConfiguredVip]:
    for keyword in ("virtual_ipaddress", "virtual_ipaddress_excluded"):
        excluded = keyword != "virtual_ipaddress"
        for words in block.lines(keyword):
            address = _address(words[0])
            if address is None or (not excluded and address.version != family):
                continue
            interface = words[words.index("dev") + 1] if "dev" in words[:-1] else None
            yield ConfiguredVip(Vip(str(address)), _prefix(words[0], address.max_prefixlen), interface, excluded)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of ``address`` or ``address/prefix``; None for what keepalived refuses."""
    try:
        return None if "%" in text else ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        return None


def _prefix(text: str, longest: int) -> int | None:
    """The prefix length that is written; None where there is none, or none that can be."""
    _, slash, length = text.partition("/")
    digits = re.match("[0-9]{0,9}", length)
    number = int(digits[0] or 0) if digits else 0
    return number if slash and number <= longest else None


def _peers(block: Block, family: int | None) -> Iterator[str]:
    for words in block.lines("unicast_peer"):
        address = _address(re.split("[-/]", words[0])[0])
        if address and address.version == family:
            yield str(address)


def _nopreempt(block: Block) -> bool:
    lines = [line.words[0] for line in block.inside if line.words[0] in ("preempt", "nopreempt")]
    return lines[-1:] == ["nopreempt"]


def _advert_int(block: Block, version: int) -> float:
    """Seconds; an integer in version 2."""
    values = [float(text) for text in block.values("advert_int") if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,6})?", text)]
    seconds = next((one for one in reversed(values) if 0.01 <= one <= 255), 1.0)
    return float(max(1, int(seconds + 0.5))) if version == 2 else min(seconds, 40.95)


def _authentication(block: Block, version: int, *, strict: bool) -> tuple[str | None, str]:
    types = [value for each in block.all("authentication") for value in each.values("auth_type")]
    passwords = [value for each in block.all("authentication") for value in each.values("auth_pass")]
    auth_type = next((one for one in reversed(types) if one in ("AH", "PASS")), None)
    if auth_type is None or version == 3 or strict or not passwords or not passwords[-1]:
        return None, ""
    return auth_type, passwords[-1].encode()[:_LONGEST_PASSWORD].decode(errors="replace")


def _fingerprint(one: ConfiguredInstance, secret: bytes) -> str | None:
    if one.auth_type is None:
        return None
    return hmac.new(secret, f"{one.auth_type} {one.auth_pass}".encode(), hashlib.sha256).hexdigest()[:16]


def _weights_of_trackers(block: Block, top: Block) -> Iterator[Tracked]:
    """Each thing once. One that nothing defines before the block is ignored, as is a line with another option."""
    for keyword, definitions in _TRACKING.items():
        known = _defined(top, definitions, block)
        names: set[str] = set()
        for words in block.lines(keyword):
            name, options = words[0], words[1:]
            if name in names or (definitions and name not in known) or (options and options[0] != "weight"):
                continue
            if len(options) == 1:
                continue
            names.add(name)
            own = known.get(name, 0)
            weight = _lenient(options[1], 254) if options else own
            yield Tracked(keyword, name, max(-253, min(253, own if weight is None else weight)))


def _defined(top: Block, keywords: tuple[str, ...], user: Block) -> dict[str, int]:
    """The weight of each thing to track that is defined before `user` is; the first of a name counts."""
    known: dict[str, int] = {}
    for block in top.inside:
        if block is user:
            break
        if block.words[0] not in keywords or len(block.words) < 2 or not _complete(block):
            continue
        default = 1 if block.words[0].endswith("track_file") else 0
        weights = block.values("weight")
        weight = _lenient(weights[-1], 253) if weights else None
        known.setdefault(block.words[1], default if weight is None else weight)
    return known


def _complete(block: Block) -> bool:
    needed = {"vrrp_script": "script", "vrrp_track_process": "process"}.get(block.words[0])
    return needed is None or bool(block.values(needed))


def _number(text: str, low: int, high: int) -> int | None:
    text = text.lstrip(" \t\f\n\r\v")
    number = int(text) if re.fullmatch(r"\+?[0-9]{1,18}", text) else low - 1
    return number if low <= number <= high else None


def _last_number(texts: tuple[str, ...], low: int, high: int, default: int) -> int:
    return next((number for text in reversed(texts) if (number := _number(text, low, high)) is not None), default)


def _lenient(text: str, most: int) -> int | None:
    """A weight: what follows its digits is passed over."""
    match = re.match(r"[ \t]*([+-]?[0-9]{1,18})", text)
    number = int(match[1]) if match else 0
    return number if -most <= number <= most else None
