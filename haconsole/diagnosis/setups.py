"""Rules about what units need: their account, the files that they name, their limits, the servers of kubeconfigs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from haconsole.configs.layout import layout
from haconsole.diagnosis import drop_ins, unit_settings
from haconsole.diagnosis.candidate import NOT_BOOTSTRAPPED, Candidate, on
from haconsole.diagnosis.remedies import advice, call
from haconsole.diagnosis.unit_settings import OWN_FILES, PARTS, correct_settings
from haconsole.inventory.effective import endpoint, is_address, watched_vips
from haconsole.inventory.schema import Inventory
from haconsole.model.findings import Finding, Remedy, Severity
from haconsole.model.hosts import HostFacts, ServiceState
from haconsole.model.observed import value_of
from haconsole.model.snapshot import ClusterSnapshot
from haconsole.model.unit_setup import FileCondition, Limits, NeededFile, UnitSetup

MISSING = "service.requirement-missing"
_MEMBER_FOLDER = re.compile(r"/member(/wal|/snap)?$")
"""The part of a path that is inside of etcd's data folder."""
LOADED_ONCE = (
    "kubeconfig",
    "service-account-key-file",
    "service-account-signing-key-file",
    "service-account-private-key-file",
    "root-ca-file",
    "etcd-cafile",
    "trusted-ca-file",
    "TRUSTED_CA_FILE",
    "encryption-provider-config",
    "audit-policy-file",
    "kubelet-certificate-authority",
)
"""Ends of the flags and variables whose files a program reads at its start only; other certificates are reloaded."""
APPLIED_AT_ONCE = "/system.control/"
"""The folder of drop-ins that systemctl set-property writes: their settings hold from then on."""
GRACE = timedelta(seconds=1)
"""File systems and systemd record times in whole seconds."""
THROTTLED = 0.25
NEARLY = 0.95
_PROBLEMS = {
    FileCondition.MISSING: "does not exist",
    FileCondition.UNREADABLE: "cannot be read by the unit's account",
    FileCondition.UNWRITABLE: "cannot be written by the unit's account",
    FileCondition.EMPTY: "is empty",
    FileCondition.NOT_EXECUTABLE: "is not executable",
}


def rules(snapshot: ClusterSnapshot, inventory: Inventory) -> Iterator[Candidate]:
    """Candidates about every unit whose files and limits are known."""
    valid = _endpoints(snapshot, inventory)
    for facts in snapshot.hosts:
        for setup in value_of(facts.unit_setup) or ():
            unit = facts.service(setup.name)
            if unit is None or unit.masked:
                continue
            yield from _requirements(facts, unit, setup, inventory)
            yield from _limits(facts, setup)
            if unit.running:
                yield from _outdated(facts, unit, setup)
            yield from _kubeconfigs(facts, setup, valid)
            yield from unit_settings.rules(facts, unit, setup, inventory)


def _requirements(facts: HostFacts, unit: ServiceState, setup: UnitSetup, inventory: Inventory) -> Iterator[Candidate]:
    bad = tuple(
        {file.path: file for file in setup.files if file.state in _PROBLEMS and not _was_removed(file)}.values()
    )
    lines = tuple(f"{file.name}: {file.path} {_PROBLEMS[file.state]}" for file in bad)
    if setup.missing_account:
        lines = (f"its account {setup.missing_account} does not exist", *lines)
    if not lines:
        return
    what = f"{bad[0].path} {_PROBLEMS[bad[0].state]}" if bad else lines[0]
    unwritable = bool(bad) and all(file.state is FileCondition.UNWRITABLE for file in bad)
    effect = "so it fails at its next start" if unit.running else "so it cannot start"
    settings = unit_settings.changes_of(setup, inventory, facts).settings
    causes = drop_ins.causes_of_requirement(settings, bad, account=bool(setup.missing_account))
    yield Candidate(
        Finding(
            MISSING,
            Severity.WARNING,
            f"{setup.name}@{facts.host}",
            f"{setup.name} on {facts.host} needs something that is missing or not accessible: {what}",
            f"The unit needs this, {effect}.",
            (*map(str, causes), *lines),
            (correct_settings(facts, setup.name, inventory) if causes else ())
            or tuple(dict.fromkeys(remedy for file in bad for remedy in _repair(facts, setup, file)))
            or (advice(f"create the account {setup.missing_account} on {facts.host} again, or run bootstrap"),),
        ),
        (
            NOT_BOOTSTRAPPED,
            *((("service.changed-settings", f"{setup.name}@{facts.host}"),) if causes else ()),
            *(on(facts.host, "host.read-only") if unwritable else ()),
        ),
    )


def _was_removed(file: NeededFile) -> bool:
    """A drop-in that systemd still remembers: it needs a reload, and the unit does not need the file."""
    return file.name == "unit-file" and ".service.d/" in file.path and file.state is FileCondition.MISSING


def _repair(facts: HostFacts, setup: UnitSetup, file: NeededFile) -> Iterator[Remedy]:
    part = PARTS.get(setup.name)
    if file.name == "member-folder":
        parent = _MEMBER_FOLDER.sub("", file.path)
        yield advice(
            f"on {facts.host}: chown -R --reference={parent} {parent}/member, then systemctl restart {setup.name}"
        )
        return
    if file.name == "program":
        yield advice(f"on {facts.host}: install {file.path} again, mode 0755; then start {setup.name}")
    elif setup.name == "etcd" and file.name == "environment-file":
        # without this file bootstrap takes the data of the member for another cluster's, and refuses
        yield advice(
            f"on {facts.host}: write {file.path} like another member's, with this host's name and addresses; "
            "then start etcd"
        )
    elif part is not None:
        yield call("bootstrap", f"write what is missing, then start {setup.name} where it is stopped", only=part)
    if file.state is FileCondition.UNREADABLE:
        yield advice(f"or on {facts.host}: compare with another host (namei -l {file.path}), then chown and chmod")
    elif file.name != "program":
        yield advice(f"or on {facts.host}: put {file.path} back from a backup, with its owner and its mode")


def _limits(facts: HostFacts, setup: UnitSetup) -> Iterator[Candidate]:
    lines = tuple(_exceeded(setup.limits))
    if not lines:
        return
    limiting = tuple(file.path for file in setup.files if ".service.d/" in file.path and not file.digest)
    yield Candidate(
        Finding(
            "service.limited",
            Severity.WARNING,
            f"{setup.name}@{facts.host}",
            f"{setup.name} on {facts.host} reaches a limit of its unit: {lines[0]}",
            "The unit's limit of CPU, memory or tasks is too low: the process is throttled, or the kernel kills it.",
            (*lines[1:], *(f"{path} is a drop-in that haconsole did not write" for path in limiting)),
            (
                *((_unlimit(facts, setup),) if limiting and setup.name in PARTS else ()),
                advice(
                    f"on {facts.host}: systemctl show {setup.name} -p CPUQuotaPerSecUSec -p MemoryMax -p TasksMax; "
                    f"remove the limit: systemctl revert {setup.name}, or raise it by systemctl edit"
                ),
            ),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _unlimit(facts: HostFacts, setup: UnitSetup) -> Remedy:
    text = "rename the drop-ins that limit the unit; restart it"
    return call("repair", text, setting="limits", host=facts.host, target=setup.name)


def _exceeded(limits: Limits) -> Iterator[str]:
    if limits.throttled_share is not None and limits.throttled_share > THROTTLED:
        yield f"the CPU quota throttles the unit in {limits.throttled_share:.0%} of all periods"
    if limits.memory_bytes and (limits.memory_kills or limits.memory_used_bytes > NEARLY * limits.memory_bytes):
        kills = f", {limits.memory_kills} processes were OOM-killed" if limits.memory_kills else ""
        yield f"memory, {limits.memory_used_bytes >> 20} of {limits.memory_bytes >> 20} MiB{kills}"
    if limits.tasks and limits.tasks_used > NEARLY * limits.tasks:
        yield f"tasks, {limits.tasks_used} of {limits.tasks}"


def _outdated(facts: HostFacts, unit: ServiceState, setup: UnitSetup) -> Iterator[Candidate]:
    """The process started before one of the files that it reads only then was written."""
    newer = tuple({file.path: file for file in setup.files if _is_newer(file, unit)}.values())
    if not newer and not setup.reload_needed:
        return
    reload = ("systemd has an older version of the unit file in memory",) if setup.reload_needed else ()
    started = f"{setup.name} was started {unit.started:%Y-%m-%d %H:%M:%S}Z" if unit.started else ""
    part = PARTS.get(setup.name)
    own = setup.reload_needed or any(file.name in OWN_FILES for file in newer)
    restart = call("restart", "restart the unit, so that it loads the file", service=setup.name, host=facts.host)
    rewrite = call("bootstrap", "write the unit as the inventory describes it, and restart it", only=part or "")
    yield Candidate(
        Finding(
            "service.stale-config",
            Severity.WARNING,
            f"{setup.name}@{facts.host}",
            f"{setup.name} on {facts.host} runs with older settings than those in its files",
            "The program reads these files at its start only. The change takes effect at some later restart.",
            (*reload, *(f"{file.path} was written {file.written_at:%Y-%m-%d %H:%M:%S}Z" for file in newer), started),
            (rewrite, restart) if own and part else (restart,),
        ),
        (NOT_BOOTSTRAPPED,),
    )


def _is_newer(file: NeededFile, unit: ServiceState) -> bool:
    if file.written_at is None or unit.started is None or file.written_at <= unit.started + GRACE:
        return False
    if APPLIED_AT_ONCE in file.path:
        return False
    return file.name in OWN_FILES or file.name.endswith(LOADED_ONCE)


def _kubeconfigs(facts: HostFacts, setup: UnitSetup, valid: frozenset[tuple[str, int]]) -> Iterator[Candidate]:
    """A kubeconfig with one server, which is neither an API server nor a balancer of this cluster."""
    for file in setup.files:
        if not file.name.endswith("kubeconfig") or len(file.servers) != 1 or not valid:
            continue
        if _is_valid(file.servers[0], valid):
            continue
        yield Candidate(
            Finding(
                "component.kubeconfig-wrong",
                Severity.WARNING,
                f"{setup.name}@{facts.host}",
                f"{setup.name} on {facts.host} has a kubeconfig with the wrong server {file.servers[0]}",
                "No API server and no balancer of the inventory has this address, so the component cannot work.",
                (f"{file.path}, named by --{file.name}",),
                (
                    call("bootstrap", "write the kubeconfig again and restart the component", only="kubernetes"),
                    advice(f"or on {facts.host}: correct the server address in {file.path}, then restart {setup.name}"),
                ),
            ),
            (NOT_BOOTSTRAPPED,),
        )
        return


def _is_valid(url: str, valid: frozenset[tuple[str, int]]) -> bool:
    """A name that is unknown here may lead to the cluster: only addresses and ports are judged."""
    try:
        server = urlsplit(url)
        place = (server.hostname or "", server.port or 443)
    except ValueError:
        return False
    known_name = any(place[0] == name for name, _ in valid)
    return server.scheme == "https" and (place in valid or not (known_name or is_address(place[0])))


def _endpoints(snapshot: ClusterSnapshot, inventory: Inventory) -> frozenset[tuple[str, int]]:
    """Every host and port by which the API can be reached."""
    places = layout(inventory)
    if places.kubernetes is None:
        return frozenset()
    balanced = endpoint(inventory)
    names = {"localhost", "127.0.0.1", "::1", *watched_vips(inventory), *((balanced[0],) if balanced else ())}
    for facts in snapshot.hosts:
        names |= {facts.address, facts.host.lower(), *(each.address for each in value_of(facts.addresses) or ())}
    ports = {places.kubernetes.api_port, *((balanced[1],) if balanced else ())}
    ports |= {places.haproxy.bind_port} if places.haproxy else set()
    return frozenset((name, port) for name in names for port in ports)
