"""A host's name, load, pressure, neighbours and configuration times, read with builtins where there are some."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from haconsole.configs.layout import Layout
from haconsole.inventory.effective import vip_addresses
from haconsole.inventory.schema import Host, Inventory
from haconsole.model.hosts import Role
from haconsole.model.observed import Cause
from haconsole.model.system import ConfigCheck, Neighbour, Pressure, SystemFacts
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer

_BODY = r"""
show() { [ -r "$2" ] && read -r value <"$2" && printf '%s %s\n' "$1" "$value"; }
show hostname /proc/sys/kernel/hostname
show machine-id /etc/machine-id
show load /proc/loadavg
show clocksource /sys/devices/system/clocksource/clocksource0/current_clocksource
for kind in cpu io memory; do show "pressure-$kind" "/proc/pressure/$kind"; done
cpus=0
while read -r word rest; do case $word in cpu[0-9]*) cpus=$((cpus + 1)) ;; esac; done </proc/stat
printf 'cpus %s\n' "$cpus"
for link in /sys/class/net/*; do show "hardware-${link##*/}" "$link/address"; done
ip -o neighbour show 2>/dev/null | while read -r address rest; do
  case $address in WANTED) printf 'neighbour %s %s\n' "$address" "$rest" ;; esac
done
stat -c 'written %Y %n' -- FILES 2>/dev/null
:"""


def files_of(layout: Layout, host: Host) -> tuple[str, ...]:
    """The configuration files of a balancer's programs."""
    if Role.LOAD_BALANCER not in host.roles:
        return ()
    parts = (layout.haproxy, layout.keepalived)
    return tuple(part.config_file for part in parts if part)


def section(inventory: Inventory, layout: Layout, host: Host, *, every: int = 1) -> Section:
    """No root needed; of the neighbours only VIPs are read."""
    wanted = "|".join(map(shlex.quote, vip_addresses(inventory))) or "-"
    files = " ".join(map(shlex.quote, files_of(layout, host))) or "/nonexistent"
    return Section("system", _BODY.strip().replace("WANTED", wanted).replace("FILES", files), every)


def parse(answer: SectionAnswer) -> SystemFacts:
    """The facts; what a host lacks is empty or None."""
    try:
        return _parsed(answer)
    except (ValueError, IndexError, OverflowError, OSError) as error:
        raise ProbeError(f"the system's state: not readable: {error}", Cause.UNREADABLE) from error


def _parsed(answer: SectionAnswer) -> SystemFacts:
    rows = [line.partition(" ")[::2] for line in require(answer, "read the system's state").splitlines()]
    values = dict(rows)
    written = (rest.partition(" ")[::2] for key, rest in rows if key == "written")
    return SystemFacts(
        hostname=values.get("hostname", ""),
        machine_id=values.get("machine-id", ""),
        load=_number(values.get("load", "").partition(" ")[0]),
        cpus=int(values.get("cpus") or 0),
        pressure=Pressure(*(_pressure(values.get(f"pressure-{kind}", "")) for kind in ("cpu", "io", "memory"))),
        clocksource=values.get("clocksource", ""),
        hardware=tuple(
            (key.removeprefix("hardware-"), rest) for key, rest in rows if key.startswith("hardware-") and rest
        ),
        neighbours=tuple(_neighbour(rest) for key, rest in rows if key == "neighbour" and " lladdr " in f" {rest}"),
        written=tuple((path, datetime.fromtimestamp(int(at), UTC)) for at, path in written),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pressure(line: str) -> float | None:
    """``some avg10=0.00 avg60=… …``."""
    return next((_number(word[6:]) for word in line.split() if word.startswith("avg10=")), None)


def _neighbour(line: str) -> Neighbour:
    words = line.split()
    return Neighbour(words[0], words[words.index("lladdr") + 1], words[-1])


_CHECKS = r"""
check() {
  program=$1 path=$2; shift 2
  [ -e "$path" ] && command -v "$program" >/dev/null || return 0
  message=$(timeout 10 "$@" 2>&1)
  case $program-$? in *-0 | keepalived-6) state=valid message= ;; *-124) return 0 ;; *) state=invalid ;; esac
  message=$(printf '%s' "$message" | grep -v '^$' | head -n 3 | tr '\n' ' ')
  printf '%s %s %s %s\n' "$program" "$state" "$path" "$message"
}
HAPROXY
KEEPALIVED
:"""


def checks_section(layout: Layout, *, every: int = 1) -> Section:
    """haproxy and keepalived check their own configuration; rarely, since each is a process of some 20 ms.

    keepalived ends with 6 where its only complaint is script_security, as of kubeadm's guide: it loads such a file.
    """
    haproxy, keepalived = (
        shlex.quote(part.config_file) if part else "" for part in (layout.haproxy, layout.keepalived)
    )
    body = _CHECKS.strip()
    body = body.replace("HAPROXY", f"check haproxy {haproxy} haproxy -c -q -f {haproxy}" if haproxy else ":")
    return Section(
        "configs",
        body.replace(
            "KEEPALIVED", f"check keepalived {keepalived} keepalived -t -f {keepalived}" if keepalived else ":"
        ),
        every,
    )


def parse_checks(answer: SectionAnswer) -> tuple[ConfigCheck, ...]:
    """One verdict for each program that is installed and has a file."""
    rows = (line.split(" ", 3) for line in require(answer, "check configurations").splitlines())
    return tuple(
        ConfigCheck(row[0], row[2], row[1] == "valid", row[3].strip() if len(row) > 3 else "")
        for row in rows
        if len(row) >= 3
    )
