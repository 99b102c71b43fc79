"""Rules about units whose settings are not those that haconsole wrote: changed files, drop-ins, own unit files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from haconsole.configs.unit_digests import unit_digests
from haconsole.diagnosis import drop_ins
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, Key, on
from haconsole.diagnosis.drop_ins import UnitSetting
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.services import service_evidence
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.haproxy import AdminState
from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.observed import Known, value_of
from haconsole.model.services import SUSPENDED, crash_loops
from haconsole.model.unit_setup import FileCondition, NeededFile, UnitSetup
from haconsole.model.vip import VrrpState

CODE = "service.changed-settings"
PARTS = {
    "etcd": "etcd",
    "haproxy": "haproxy",
    "keepalived": "keepalived",
    "kube-apiserver": "kubernetes",
    "kube-controller-manager": "kubernetes",
    "kube-scheduler": "kubernetes",
}
"""Units that bootstrap writes, and the part that it writes them with."""
OWN_FILES = ("unit-file", "environment-file")
_OWN_DROP_IN = re.compile(r"/(etc|run)/systemd/system(\.control)?/[^/]+\.service\.d/[^/]+")
"""A drop-in that `repair drop-ins` renames; others apply to more units, or a package brought them."""
_OF_DISTRIBUTION = ("haproxy", "keepalived")
"""Units that a package brings; haconsole adds drop-ins to them."""


class Changes(msgspec.Struct, frozen=True):
    """Differences between the settings of a unit and those that haconsole wrote."""

    changed: tuple[str, ...] = ()
    """Files that haconsole wrote and somebody changed."""
    added: tuple[str, ...] = ()
    """Drop-ins of somebody else, of this unit only."""
    of_more_units: tuple[str, ...] = ()
    """Drop-ins that apply to other units too, or that a package brought."""
    replaced: str = ""
    """A file in place of the unit file that the package brings."""
    settings: tuple[UnitSetting, ...] = ()
    """The settings of the added and replacing files."""

    @property
    def any(self) -> bool:
        return bool(self.changed or self.added or self.of_more_units or self.replaced)


def changes_of(setup: UnitSetup, inventory: Inventory, facts: HostFacts) -> Changes:
    """None where no file of the unit has haconsole's mark: such a unit is somebody else's."""
    host = inventory.find(facts.host)
    own = {file.path: file for file in setup.files if file.name in OWN_FILES}
    if host is None or not any(file.digest for file in own.values()):
        return Changes()
    digests: Mapping[str, str] = unit_digests(inventory, host)
    changed = tuple(path for path, file in own.items() if file.digest and file.digest != digests.get(path, file.digest))
    foreign = tuple(path for path, file in own.items() if ".d/" in path and not file.digest)
    added = tuple(path for path in foreign if _OWN_DROP_IN.fullmatch(path))
    replaced = (path for path, file in own.items() if _replaces_the_packages(setup.name, file))
    others = tuple(path for path in foreign if path not in added)
    return Changes(changed, added, others, next(replaced, ""), drop_ins.settings_of(setup))


def _replaces_the_packages(name: str, file: NeededFile) -> bool:
    folders = ("/etc/systemd/system", "/run/systemd/system")
    return name in _OF_DISTRIBUTION and not file.digest and file.path in (f"{one}/{name}.service" for one in folders)


def rules(facts: HostFacts, unit: ServiceState, setup: UnitSetup, inventory: Inventory) -> Iterator[Candidate]:
    """A unit that fails with other settings, or that has a setting with which it cannot work."""
    if setup.name not in PARTS:
        return
    changes = changes_of(setup, inventory, facts)
    if unit.process in SUSPENDED or not changes.any:
        return
    isolated = tuple(drop_ins.isolation(setup, changes.settings))
    possible = drop_ins.possible_causes(unit, changes.settings)
    if isolated and _in_effect(unit, setup, isolated[0][1]) and not (unit.running and _answers(facts, unit)):
        yield _isolated(facts, unit, setup, changes, isolated)
    elif _is_troubled(facts, unit) and (changes.changed or possible):
        yield _fails(facts, unit, setup, changes, possible)


def _in_effect(unit: ServiceState, setup: UnitSetup, setting: UnitSetting) -> bool:
    """Not before the next start, where the file is younger than the process."""
    written_at = next((file.written_at for file in setup.files if file.path == setting.path), None)
    return not unit.running or unit.started is None or written_at is None or written_at <= unit.started


def _answers(facts: HostFacts, unit: ServiceState) -> bool:
    """The component answers on its port, so that the setting has no effect: kernels may lack what systemd needs."""
    if unit.name == "etcd":
        member = value_of(facts.etcd)
        return member is not None and member.healthy
    server = value_of(facts.apiserver)
    return unit.name == "kube-apiserver" and server is not None and server.ready


def _isolated(
    facts: HostFacts,
    unit: ServiceState,
    setup: UnitSetup,
    changes: Changes,
    isolated: tuple[tuple[str, UnitSetting], ...],
) -> Candidate:
    effect, setting = isolated[0]
    return _candidate(
        facts,
        unit,
        f"{setup.name} on {facts.host} {effect}: its unit has {setting.name}={setting.value}",
        "haconsole did not write this setting, and the program cannot do its work with it.",
        tuple(dict.fromkeys(str(one) for _, one in isolated)),
        _remedies(facts, setup, changes),
        certain=True,
    )


def _fails(
    facts: HostFacts, unit: ServiceState, setup: UnitSetup, changes: Changes, possible: tuple[UnitSetting, ...]
) -> Candidate:
    others = {one.path for one in possible}
    added = (path for path in (*changes.added, *changes.of_more_units) if path in others)
    unusable = tuple(file for file in setup.files if file.state is not FileCondition.USABLE)
    explained = drop_ins.causes_of_requirement(possible, unusable, account=bool(setup.missing_account))
    causes: tuple[Key, ...] = () if explained else (("service.requirement-missing", f"{setup.name}@{facts.host}"),)
    if not changes.changed and all(drop_ins.LIMITS.match(one.name) for one in possible):
        causes = (*causes, ("service.limited", f"{setup.name}@{facts.host}"))
    return _candidate(
        facts,
        unit,
        f"{setup.name} on {facts.host} fails, and " + _difference(changes, possible),
        "Files of the unit were changed or added after haconsole wrote them, and the unit does not work with them.",
        (
            *(f"{path} differs from what haconsole writes" for path in changes.changed),
            *(f"{path} is a drop-in that haconsole did not write" for path in added),
            *map(str, possible),
        ),
        _remedies(facts, setup, changes),
        *causes,
        certain=not unit.alive or crash_loops(unit, _read_at(facts)),
    )


def _difference(changes: Changes, possible: tuple[UnitSetting, ...]) -> str:
    """The first setting that may be the cause, unless a file that haconsole wrote was changed too."""
    if changes.changed or not possible:
        return "its settings differ from those of the inventory"
    setting = next((one for one in possible if one.value), possible[0])  # an empty one only resets the value before it
    return f"its unit has {setting.name}={setting.value}, which haconsole did not write"


def _candidate(
    facts: HostFacts,
    unit: ServiceState,
    summary: str,
    why: str,
    evidence: tuple[str, ...],
    remedies: tuple[Remedy, ...],
    *causes: Key,
    certain: bool,
) -> Candidate:
    finding = Finding(
        CODE,
        Severity.WARNING,
        f"{unit.name}@{facts.host}",
        summary,
        why,
        (*evidence, *service_evidence(facts, unit.name)),
        remedies,
    )
    caused_by = (NOT_BOOTSTRAPPED, *on(facts.host, "host.unreachable", "host.slow"), *causes)
    return Candidate(finding, caused_by, not_by_overload=certain)


def correct_settings(facts: HostFacts, name: str, inventory: Inventory) -> tuple[Remedy, ...]:
    """Actions by which a unit has the settings of the inventory again; none where its files are not haconsole's."""
    setup = next((one for one in value_of(facts.unit_setup) or () if one.name == name), None)
    if setup is None or name not in PARTS:
        return ()
    return _remedies(facts, setup, changes_of(setup, inventory, facts))


def _remedies(facts: HostFacts, setup: UnitSetup, changes: Changes) -> tuple[Remedy, ...]:
    name = setup.name
    revert = call("repair", "rename the drop-ins; restart the unit", setting="drop-ins", host=facts.host, target=name)
    text = "write the files again as the inventory describes them; restart the unit"
    rewrite = call("bootstrap", text, only=PARTS[name])
    by_hand = advice(
        f"on {facts.host}: move {changes.replaced} away, which replaces the package's unit file; then systemctl "
        f"daemon-reload and systemctl restart {name}"
    )
    shared = (
        advice(
            f"on {facts.host}: correct {path}, which may apply to other units too; then systemctl daemon-reload and "
            f"systemctl restart {name}"
        )
        for path in changes.of_more_units
    )
    return (
        *((revert,) if changes.added else ()),
        *((rewrite,) if changes.changed else ()),
        *((by_hand,) if changes.replaced else ()),
        *shared,
    )


def _is_troubled(facts: HostFacts, unit: ServiceState) -> bool:
    """The unit does not run, restarts, or its component gives no good answer."""
    if not unit.running or crash_loops(unit, _read_at(facts)):
        return True
    if unit.name == "kube-apiserver":
        apiserver = value_of(facts.apiserver)
        return apiserver is None or not apiserver.ready
    if unit.name == "etcd":
        member = value_of(facts.etcd)
        return member is None or not member.healthy
    if unit.name == "haproxy":
        return _sees_no_server(facts)
    return unit.name == "keepalived" and _is_in_fault(facts)


def _sees_no_server(facts: HostFacts) -> bool:
    haproxy = value_of(facts.haproxy)
    servers = tuple(server for backend in haproxy.backends for server in backend.servers) if haproxy else ()
    in_use = tuple(server for server in servers if server.admin_state is AdminState.READY)
    return bool(in_use) and not any(server.up for server in in_use)


def _is_in_fault(facts: HostFacts) -> bool:
    keepalived = value_of(facts.keepalived)
    if keepalived is None or keepalived.forced_down:
        return False
    return any(instance.state is VrrpState.FAULT for instance in keepalived.instances)


def _read_at(facts: HostFacts) -> datetime:
    assert isinstance(facts.services, Known)
    return facts.services.at
