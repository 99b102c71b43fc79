"""The lab's network: a namespace with the bridges (the switch), a namespace for each host, a cable between them.

The machine sees one link of it, the end of its own cable. In the switch the machine's cable is called `machine` and
each host's is called as the host; inside a host it is `eth0` (a bastion's second is `eth1`). See ip-netns(8), veth(4).
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

from haconsole.lab.commands import attempt, run
from haconsole.lab.errors import LabError
from haconsole.lab.spec import HostSpec, LabSpec, machine_link, switch_namespace

MACHINE_PORT = "machine"
INNER_SUFFIX = ".in"
_OUTER, _INNER = "outer", "inner"
_CORNER = 29
"""The bastion's prefix length towards the machine: .0 to .7, so that the rest of the subnet is on its inner side."""
_CLOUD = "169.254.0.0/16"
"""Link-local addresses; at one of them clouds answer questions about a host. No lab has a router to them."""
_NAMESPACES = Path("/run/netns")


def free_subnet(preferred: int, in_use: frozenset[int], reserved: frozenset[int] = frozenset()) -> int:
    """`preferred` if nothing uses 10.99.`preferred`.0/24, else the lowest X that is free, reserved ones last."""
    free = tuple(subnet for subnet in chain((preferred,), range(1, 256)) if subnet not in in_use)
    subnet = next((subnet for subnet in free if subnet not in reserved), free[0] if free else None)
    if subnet is None:
        raise LabError("no 10.99.X.0/24 network is free on this machine", hint="take a lab down")
    return subnet


def subnets_in_use() -> frozenset[int]:
    """Each X whose 10.99.X.0/24 the machine has a route into."""
    routes = json.loads(run(("ip", "-json", "-4", "route", "show", "table", "all")))
    words = (str(route.get("dst", "")).split("/")[0].split(".") for route in routes)
    return frozenset(int(word[2]) for word in words if word[:2] == ["10", "99"] and len(word) == 4)


def switch_stands(spec: LabSpec) -> bool:
    """The switch and the machine's cable into it are complete."""
    if not _exists(spec.switch) or spec.machine_address not in _addresses(None, spec.machine_link):
        return False
    bridges = {_OUTER, _INNER} if spec.bastion else {_OUTER}
    return {*bridges, MACHINE_PORT} <= _links(spec.switch)


def make_switch(spec: LabSpec) -> None:
    """Create the switch again, and the machine's cable into it; hosts' cables are gone after it."""
    unplug_machine(spec.name)
    if _exists(spec.switch):
        run(("ip", "netns", "del", spec.switch))
    run(("ip", "netns", "add", spec.switch))
    bridges = (_OUTER, _INNER) if spec.bastion else (_OUTER,)
    inside = ["link set lo up", f"link add {MACHINE_PORT} type veth peer name {spec.machine_link} netns 1"]
    for bridge in bridges:
        inside += [f"link add {bridge} type bridge forward_delay 0 mcast_snooping 0", f"link set {bridge} up"]
    inside.append(f"link set {MACHINE_PORT} master {_OUTER} up")
    _batch(spec.switch, inside)
    outside = [
        f"address add {spec.machine_address}/24 dev {spec.machine_link}",
        f"link set {spec.machine_link} up",
    ]
    _batch(None, outside)


def unplug_machine(lab: str) -> None:
    """Take the machine's own cable out; the lab is out of reach at once."""
    if machine_link(lab) in _links(None):
        run(("ip", "link", "del", machine_link(lab)))


def remove_namespaces(lab: str) -> None:
    """Remove the switch and every host's namespace, and with them all cables; no process may be left in them."""
    for namespace in _namespaces(lab):
        run(("ip", "netns", "del", namespace))


def cable_stands(spec: LabSpec, host: HostSpec) -> bool:
    """The host's namespace is there and every port of it is plugged in and has its address."""
    if not _exists(spec.switch) or not _exists(spec.namespace(host.name)):
        return False
    return all(
        port in _links(spec.switch)
        and address.split("/")[0] in _addresses(spec.namespace(host.name), link, up_only=True)
        for port, link, address, _ in _ports(spec, host)
    )


def plug(spec: LabSpec, host: HostSpec) -> None:
    """Create the host's namespace and its cable into the switch; addresses that others added there are kept."""
    namespace = spec.namespace(host.name)
    if not _exists(namespace):
        run(("ip", "netns", "add", namespace))
    for port, link, address, bridge in _ports(spec, host):
        attempt(("ip", "-n", spec.switch, "link", "del", port))
        attempt(("ip", "-n", namespace, "link", "del", link))
        _batch(
            spec.switch,
            [f"link add {port} type veth peer name {link} netns {namespace}", f"link set {port} master {bridge} up"],
        )
        hardware = spec.hardware_address(port)
        _batch(namespace, [f"link set {link} address {hardware} up", f"address add {address} dev {link}"])
    _batch(namespace, ["link set lo up"])
    if not host.is_bastion:
        # without this route the packets vanish at the gateway, and each start of kubelet waits six seconds for a cloud
        _batch(namespace, [f"route replace default via {spec.inner_gateway}", f"route replace unreachable {_CLOUD}"])


def ports_of(spec: LabSpec, host: HostSpec) -> tuple[str, ...]:
    """The names of a host's cables in the switch."""
    return tuple(port for port, *_ in _ports(spec, host))


def unplug(spec: LabSpec, host: HostSpec) -> None:
    """Take the host's cable out and remove its namespace: nothing of it answers any more, at once."""
    if _exists(spec.switch):
        for port in ports_of(spec, host):
            attempt(("ip", "-n", spec.switch, "link", "del", port))
    if _exists(spec.namespace(host.name)):
        run(("ip", "netns", "del", spec.namespace(host.name)))


def remains(lab: str) -> tuple[str, ...]:
    """Names of namespaces and links of a lab that are there now."""
    link = machine_link(lab)
    return (*_namespaces(lab), *((link,) if link in _links(None) else ()))


def _namespaces(lab: str) -> tuple[str, ...]:
    named = (path.name for path in _NAMESPACES.iterdir()) if _NAMESPACES.is_dir() else ()
    switch = switch_namespace(lab)
    return tuple(sorted(name for name in named if name == switch or name.startswith(f"{switch}.")))


def _ports(spec: LabSpec, host: HostSpec) -> tuple[tuple[str, str, str, str], ...]:
    """Each cable of a host: its name in the switch, its name in the host, the address there, the bridge it is in."""
    if host.is_bastion:
        return (
            (host.name, "eth0", f"{host.address}/{_CORNER}", _OUTER),
            (host.name + INNER_SUFFIX, "eth1", f"{spec.inner_gateway}/24", _INNER),
        )
    return ((host.name, "eth0", f"{host.address}/24", _INNER if spec.bastion else _OUTER),)


def _exists(namespace: str) -> bool:
    return (_NAMESPACES / namespace).exists()


def _batch(namespace: str | None, lines: list[str]) -> None:
    run(("ip", *_within(namespace), "-batch", "-"), stdin="\n".join(lines) + "\n")


def _within(namespace: str | None) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()


def _links(namespace: str | None) -> frozenset[str]:
    result = attempt(("ip", *_within(namespace), "-json", "link"))
    return frozenset(link["ifname"] for link in json.loads(result.stdout or "[]") if link)


def _addresses(namespace: str | None, link: str, *, up_only: bool = False) -> frozenset[str]:
    result = attempt(("ip", *_within(namespace), "-json", "-4", "address", "show", "dev", link))
    entries = [entry for entry in json.loads(result.stdout or "[]") if entry]
    if up_only:
        entries = [entry for entry in entries if "LOWER_UP" in entry.get("flags", ())]
    return frozenset(address["local"] for entry in entries for address in entry.get("addr_info", ()))
