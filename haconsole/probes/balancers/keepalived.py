"""keepalived on a host: its configuration, and the state each VRRP instance last said it entered."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from haconsole.inventory.schema import Keepalived
from haconsole.model.observed import Cause
from haconsole.model.vip import KeepalivedFacts, VrrpState
from haconsole.probes.balancers.keepalived_config import instances, scripts_needed
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer

_PART = "=part="
_STATES_READ = 200
_BODY = f"""\
config=CONFIG
command -v keepalived >/dev/null || {{ echo 'not installed' >&2; return 127; }}
[ -e "$config" ] || {{ echo "$config does not exist" >&2; return 66; }}
echo '{_PART} config'
cat -- "$config" || return
sed -n 's/^[[:space:]]*include[[:space:]][[:space:]]*//p' -- "$config" | while read -r pattern; do
  cd -- "${{config%/*}}" && for file in $pattern; do [ ! -f "$file" ] || {{ echo; cat -- "$file"; }}; done
done
echo '{_PART} version'
timeout 3 keepalived --version 2>&1 | head -n 1
echo '{_PART} down'
[ ! -e DOWN ] || echo yes
echo '{_PART} states'
run=$(timeout 3 systemctl show -p ActiveState -p InvocationID -- keepalived.service)
case $run in *ActiveState=active*) ;; *) return 0 ;; esac
run=${{run##*InvocationID=}}; run=${{run%%[!0-9a-f]*}}
[ -n "$run" ] || return 0
timeout 3 journalctl -q --no-pager -o cat -r "_SYSTEMD_INVOCATION_ID=$run" |
  grep -m {_STATES_READ} -E '\\) (Entering|Now in) [A-Z]+ (STATE|state)|^VRRP_Script\\(.*\\) failed'
return 0"""
_ENTERED = re.compile(
    r"^(?:VRRP_Instance)?\((?P<name>.+?)\) (?:Entering|Now in) (?P<state>MASTER|BACKUP|FAULT) state", re.IGNORECASE
)
_SCRIPT_FAILED = re.compile(r"^VRRP_Script\((?P<script>.+?)\) failed")
_VERSION = re.compile(r"Keepalived v(\S+)")
_NO_CONFIG = 66


def section(keepalived: Keepalived, *, every: int = 1) -> Section:
    """Reads the configuration with what it includes, and the journal of the running keepalived, newest line first."""
    config, down = shlex.quote(keepalived.config_file), shlex.quote(keepalived.down_file)
    return Section("keepalived", _BODY.replace("CONFIG", config).replace("DOWN", down), every)


def parse(answer: SectionAnswer, secret: bytes) -> KeepalivedFacts:
    """Instances of the configuration with the state the running keepalived last told; None when it told none."""
    if answer.status == _NO_CONFIG:
        raise ProbeError(f"keepalived: {answer.errors}", Cause.NOT_CONFIGURED)
    parts = _parts(require(answer, "keepalived"))
    config, journal = parts.get("config", ""), parts.get("states", "")
    version = _VERSION.search(parts.get("version", ""))
    required = scripts_needed(config)
    return KeepalivedFacts(
        version=version[1] if version else None,
        instances=tuple(
            replace(instance, state=last_state(journal, instance.name, required.get(instance.name, frozenset())))
            for instance in instances(config, secret)
        ),
        forced_down=parts.get("down", "").strip() == "yes",
    )


def last_state(journal: str, instance: str, required: frozenset[str] = frozenset()) -> VrrpState | None:
    """The newest state of an instance in journal lines, newest first, of keepalived 1.x and 2.x alike.

    A script that the instance needs (it is tracked without a weight) and that fails from the start puts it in FAULT
    without a line of its own.
    """
    for line in journal.splitlines():
        transition = _ENTERED.match(line.strip())
        if transition and transition["name"] == instance:
            return VrrpState(transition["state"].upper())
        failure = _SCRIPT_FAILED.match(line.strip())
        if failure and failure["script"] in required:
            return VrrpState.FAULT
    return None


def _parts(text: str) -> dict[str, str]:
    pieces = re.split(rf"^{_PART} (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))
