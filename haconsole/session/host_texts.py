"""Units, configurations and journals of a host as text, without secrets: for a pager and for a diagnostic bundle."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from haconsole.configs.layout import layout
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.names import HostName
from haconsole.model.roles import Role
from haconsole.transport.base import Argv, Fleet, TransportError

JOURNAL_LINES = 500
LATE_S = 30.0


class HostText(msgspec.Struct, frozen=True):
    """One text of a host; `name` is the unit, the path or ``journal``, `problem` the reason why there is no text."""

    name: str
    text: str
    problem: str = ""


async def host_texts(
    fleet: Fleet, inventory: Inventory, host: Host, redact: Callable[[str], str], *, journal: bool
) -> tuple[HostText, ...]:
    """Each unit with its drop-ins, each configuration file, and with `journal` the newest lines of the units.

    They are read one after the other, so that other commands are not held up.
    """
    units, files = layout(inventory).units(host), config_files(inventory, host)
    commands: list[tuple[str, Argv]] = [(unit, ("systemctl", "cat", "--no-pager", "--", unit)) for unit in units]
    commands += [(path, ("cat", "--", path)) for path in files]
    if journal and units:
        unit_words = tuple(word for unit in units for word in ("-u", unit))
        argv = ("journalctl", "-q", "--no-pager", "-o", "short-iso", "-n", str(JOURNAL_LINES), *unit_words)
        commands.append(("journal", argv))
    return tuple([await _read(fleet, HostName(host.name), name, argv, redact) for name, argv in commands])


def config_files(inventory: Inventory, host: Host) -> tuple[str, ...]:
    """The configuration files of the host's parts. None of them is a key or a kubeconfig."""
    known = layout(inventory)
    paths: list[str | None] = []
    if Role.ETCD in host.roles:
        paths += (known.etcd.env_file, known.etcd.manifest)
    if Role.LOAD_BALANCER in host.roles:
        paths += (known.haproxy.config_file, known.haproxy.manifest) if known.haproxy else ()
        keepalived = known.keepalived
        paths += (keepalived.config_file, keepalived.check_script, keepalived.manifest) if keepalived else ()
    if Role.CONTROL_PLANE in host.roles and known.kubernetes:
        paths += (component.manifest for component in known.kubernetes.components)
    return tuple(dict.fromkeys(path for path in paths if path))


async def _read(fleet: Fleet, host: HostName, name: str, argv: Argv, redact: Callable[[str], str]) -> HostText:
    try:
        result = await fleet.host(host).run(argv, root=True, deadline_s=LATE_S)
    except TransportError as error:
        return HostText(name, "", str(error))
    if result.cut is not None:
        return HostText(name, "", f"{result.cut} after {LATE_S:g} s")
    if not result.ok:
        return HostText(name, "", result.stderr.strip() or f"exit status {result.exit_status}")
    return HostText(name, redact(result.stdout))
