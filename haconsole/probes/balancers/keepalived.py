"""keepalived on a host: its configuration, and the state each VRRP instance last entered."""

from __future__ import annotations

import re
import shlex

from msgspec.structs import replace

from haconsole.inventory.schema import Keepalived
from haconsole.model.observed import Cause
from haconsole.model.vip import KeepalivedFacts, VrrpInstance, VrrpState
from haconsole.probes.balancers.keepalived_config import instances, scripts_needed
from haconsole.probes.balancers.keepalived_files import FUNCTIONS, PART, config_of, parts_of
from haconsole.probes.balancers.keepalived_lines import ConfigFiles, EndlessConfigError
from haconsole.probes.errors import ProbeError, require
from haconsole.probes.script import Section, SectionAnswer, with_arguments
from haconsole.scripts import load_script

_STATES_READ = 200
_BODY = f"""\
{FUNCTIONS}
pod_states() {{
  for log in /var/log/pods/*_keepalived-*/*/*.log; do [ ! -f "$log" ] || stat -c '%Y %n' -- "$log"; done |
    sort -n | tail -n 1 | while read -r _ log; do
      tail -c 200000 -- "$log" | sed -n 's/^.*[ :]\\((.*) \\(Entering\\|Now in\\) .*\\)$/\\1/p' | awk '
        {{ line[NR] = $0 }}
        END {{ for (at = NR; at > NR - {_STATES_READ} && at > 0; at--) print line[at] }}'
    done
}}
vrrp_is_open() (
set -- open vrrp
{load_script("accept-cluster")}
)
config=CONFIG
process=$(process_of keepalived)
[ -n "$process" ] || command -v keepalived >/dev/null || {{ echo 'not installed' >&2; return 127; }}
[ -e "$config" ] || {{ echo "$config does not exist" >&2; return 66; }}
echo '{PART} files'
(show_files "$config")
echo '{PART} node'
uname -n
[ -z "$process" ] || started_by "$process" "$config" 2>/dev/null
echo '{PART} version'
! command -v keepalived >/dev/null || timeout 3 keepalived --version 2>&1 | head -n 1
echo '{PART} down'
[ ! -e DOWN ] || echo yes
echo '{PART} firewall'
! command -v nft >/dev/null || vrrp_is_open 2>/dev/null || echo dropped
echo '{PART} states'
run=$(timeout 3 systemctl show -p ActiveState -p InvocationID -- keepalived.service)
[ $? -ne 124 ] || return 124
case $run in *ActiveState=active*) ;; *) [ -z "$process" ] || pod_states; return 0 ;; esac
run=${{run##*InvocationID=}}; run=${{run%%[!0-9a-f]*}}
[ -n "$run" ] || return 0
lines=$({{ timeout 3 journalctl -q --no-pager -o cat -r "_SYSTEMD_INVOCATION_ID=$run"; [ $? -ne 124 ] || echo late; }} |
  grep -m {_STATES_READ} -xE '.*\\) (Entering|Now in) [A-Z]+ (STATE|state).*|VRRP_Script\\(.*\\) failed.*|late')
[ "$lines" != late ] || return 124
printf '%s\\n' "$lines"
return 0"""
_ENTERED = re.compile(
    r"^(?:VRRP_Instance)?\((?P<name>.+?)\) (?:Entering|Now in) (?P<state>MASTER|BACKUP|FAULT) state", re.IGNORECASE
)
_SCRIPT_FAILED = re.compile(r"^VRRP_Script\((?P<script>.+?)\) failed")
_VERSION = re.compile(r"Keepalived v(\S+)")
_NO_CONFIG = 66


def section(keepalived: Keepalived, *, every: int = 1) -> Section:
    """Reads the configuration with what it includes, and the journal of the running keepalived, newest line first.

    It costs the host some 30 ms, so in between only the down file is watched.
    """
    config, down = shlex.quote(keepalived.config_file), shlex.quote(keepalived.down_file)
    unchanged = with_arguments(load_script("down-file-unchanged"), keepalived.down_file)
    return Section("keepalived", _BODY.replace("CONFIG", config).replace("DOWN", down), every, unchanged)


def follow_states(command: str) -> str:
    """Runs the command, and writes each new line of keepalived's journal; both end with it.

    It costs a host some 0.02 % of a processor. Without the right to read the journal it writes nothing.
    """
    journal = "journalctl -q --no-pager -f -n 0 -o cat _SYSTEMD_UNIT=keepalived.service"
    return (
        f"(\ntrap 'kill $one $other 2>/dev/null; exit 0' HUP INT PIPE TERM\n{command} & one=$!\n"
        f"{journal} 2>/dev/null & other=$!\nwait\n)"
    )


def is_state_change(line: str) -> bool:
    """Whether a line of keepalived's journal reports that an instance entered a state."""
    return _ENTERED.match(line) is not None


def parse(answer: SectionAnswer, secret: bytes) -> KeepalivedFacts:
    """Instances of the configuration with the state that keepalived last entered; None where it logged none."""
    if answer.status == _NO_CONFIG:
        raise ProbeError(f"keepalived: {answer.errors}", Cause.NOT_CONFIGURED)
    parts = parts_of(require(answer, "keepalived"))
    journal = parts.get("states", "")
    version = _VERSION.search(parts.get("version", ""))
    instances, required = _read(config_of(parts), secret)
    return KeepalivedFacts(
        version=version[1] if version else None,
        instances=tuple(
            replace(instance, state=last_state(journal, instance.name, required.get(instance.name, frozenset())))
            for instance in instances
        ),
        forced_down=parts.get("down", "").strip() == "yes",
        adverts_dropped=parts.get("firewall", "").strip() == "dropped",
    )


def _read(config: ConfigFiles, secret: bytes) -> tuple[tuple[VrrpInstance, ...], dict[str, frozenset[str]]]:
    try:
        return instances(config, secret), scripts_needed(config)
    except EndlessConfigError as error:
        raise ProbeError(f"keepalived: {error}", Cause.UNREADABLE) from error


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
