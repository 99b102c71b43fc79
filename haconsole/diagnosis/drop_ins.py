"""The effect of systemd's settings in unit files and drop-ins that haconsole did not write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from haconsole.model.hosts import ServiceState
from haconsole.model.unit_setup import FileCondition, NeededFile, UnitSetup

LIMITS = re.compile("CPU[A-Z]|AllowedCPUs|Memory(Max|High|Limit|Swap)|TasksMax|(Block)?IO[A-Z]")
"""The beginnings of settings that limit a unit, of systemd.resource-control(5)."""
_HARMLESS = re.compile(
    "Description|Documentation|After|Before|Wants|WantedBy|PrivateTmp|Nice|OOMScoreAdjust|Restart|StartLimit|Syslog|Log"
    "|Standard|UMask|Slice|RuntimeDirectory|.*Accounting$|LimitCORE|TimeoutStop|CPUWeight|IOWeight|KillMode"
)
"""Settings that keep no program from working."""
_MANY_FILES = 16384
"""A limit of open files that none of the programs reaches."""
_HARMLESS_VARIABLES = re.compile("TZ|LANG|LC_.*|GOGC|GOMAXPROCS|GODEBUG|GOMEMLIMIT")
_AT_A_CLEAN_END = re.compile("Condition|Assert|Exec|Type|BindsTo|PartOf|Conflicts|StopWhenUnneeded|Runtime")
"""Settings for which a unit does not run although no process of it failed."""
_OF_ACCOUNT = re.compile("User|Group|DynamicUser|SupplementaryGroups|CapabilityBoundingSet|Exec")
_OF_PATHS = re.compile("Environment|Exec|WorkingDirectory|RootDirectory|RootImage")
_YES = ("1", "yes", "true", "on")
_EVERYTHING = ("any", "0.0.0.0/0", "::/0")


class UnitSetting(msgspec.Struct, frozen=True):
    """One setting, and its file."""

    path: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.path} sets {self.name}={self.value}"


def settings_of(setup: UnitSetup) -> tuple[UnitSetting, ...]:
    """The settings of a unit's files that haconsole did not write, in the order in which systemd reads them."""
    return tuple(
        UnitSetting(file.path, name, value.strip())
        for file in setup.files
        if file.name == "unit-file" and file.state is not FileCondition.MISSING
        for name, _, value in (one.partition("=") for one in file.settings)
    )


def possible_causes(unit: ServiceState, settings: Iterable[UnitSetting]) -> tuple[UnitSetting, ...]:
    """The settings that may keep the unit from working; few of them do where no process of it failed."""
    ended_cleanly = unit.active == "inactive" and not unit.result
    return tuple(
        one
        for one in settings
        if not _is_harmless(one) and (not ended_cleanly or _AT_A_CLEAN_END.match(one.name) is not None)
    )


def _is_harmless(one: UnitSetting) -> bool:
    if one.name == "LimitNOFILE":
        return one.value in ("", "infinity") or int(re.sub(r"\D.*", "", one.value) or 0) >= _MANY_FILES
    if one.name == "Environment":
        return all(_HARMLESS_VARIABLES.fullmatch(name) for name in one.value.split())
    return _HARMLESS.match(one.name) is not None


def causes_of_requirement(
    settings: Iterable[UnitSetting], bad: tuple[NeededFile, ...], *, account: bool
) -> tuple[UnitSetting, ...]:
    """The settings for which the unit needs other files, or uses them by another account."""
    states = {file.state for file in bad}
    by_account = account or bool(states & {FileCondition.UNREADABLE, FileCondition.UNWRITABLE})
    by_path = bool(states & {FileCondition.MISSING, FileCondition.EMPTY, FileCondition.NOT_EXECUTABLE})
    return tuple(
        one
        for one in settings
        if (by_account and _OF_ACCOUNT.match(one.name)) or (by_path and _OF_PATHS.match(one.name))
    )


def isolation(setup: UnitSetup, settings: tuple[UnitSetting, ...]) -> Iterator[tuple[str, UnitSetting]]:
    """Settings with which a program of a control plane cannot work, each with its effect."""
    values = {one.name: one.value for one in settings}
    for one in settings:
        if one.name == "PrivateNetwork" and one.value.lower() in _YES:
            yield "has no network", one
        elif one.name == "IPAddressDeny" and set(one.value.split()) & set(_EVERYTHING):
            if not values.get("IPAddressAllow"):
                yield "may not send or receive packets", one
        elif one.name == "RestrictAddressFamilies" and _denies_ip(one.value):
            yield "may not open network sockets", one
        elif one.name in ("ReadOnlyPaths", "InaccessiblePaths", "TemporaryFileSystem"):
            yield from _path_effect(setup, one)


def _denies_ip(families: str) -> bool:
    names = set(families.lstrip("~").split())
    denied = families.startswith("~")
    return bool(names) and ("AF_INET" in names) == denied


def _path_effect(setup: UnitSetup, one: UnitSetting) -> Iterator[tuple[str, UnitSetting]]:
    """The first file or folder that the setting takes away from the unit."""
    folders = tuple(word.lstrip("+-").partition(":")[0].rstrip("/") or "/" for word in one.value.split())
    only_read = one.name == "ReadOnlyPaths"
    for file in setup.files:
        is_folder = file.name.lower().endswith("dir") and file.name != "WorkingDirectory"
        if file.name == "unit-file" or (only_read and not is_folder):
            continue
        if any(file.path == folder or file.path.startswith(folder.rstrip("/") + "/") for folder in folders):
            yield ("cannot write to " if only_read else "cannot use ") + file.path, one
            return
