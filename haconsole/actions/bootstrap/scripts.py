"""Shell scripts of the preflight checks: POSIX sh, silent and 0 when all is well, else what is wrong on stderr."""

from __future__ import annotations

PROGRAM = r"""
atleast=$1 series=$2; shift 2
command -v "$1" >/dev/null || { echo "$1 is not there" >&2; exit 1; }
said=$("$@" 2>&1) || { echo "$1 does not run: $said" >&2; exit 1; }
version=$(printf %s "$said" | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)
case "$version." in "${series:+$series.}"*) ;; *) echo "$1 is version $version" >&2; exit 1 ;; esac
printf '%s\n' "$atleast" "$version" | sort -VC || { echo "$1 is version $version" >&2; exit 1; }
"""
"""Words: lowest version, series it must belong to (may be empty), the program and what makes it tell its version."""

PORTS = r"""
for want in "$@"; do
  port=${want%%=*} unit=${want#*=}
  held=$(ss -Hltnp "sport = :$port") || exit 1
  [ -n "$held" ] || continue
  for pid in $(printf %s "$held" | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u); do
    grep -q "/$unit" "/proc/$pid/cgroup" || echo "port $port is held by $(cat "/proc/$pid/comm") (process $pid)"
  done
  printf %s "$held" | grep -q pid= || echo "port $port is held by a process that cannot be seen from here"
done | { told=$(cat); [ -z "$told" ] || { printf '%s\n' "$told" >&2; exit 1; }; }
"""
"""Words: PORT=UNIT, each port free or held by that unit."""

CONFINED = r"""
command -v getenforce >/dev/null && [ "$(getenforce)" = Enforcing ] || exit 0
getsebool "$1" 2>/dev/null | grep -q 'on$'
"""
"""Word: a boolean of SELinux that must be on where it enforces."""

DISK = r"""
[ -d "$3" ] && exit 0
place=$1; while [ ! -e "$place" ]; do place=${place%/*}; place=${place:-/}; done
free=$(df -Pk -- "$place" | awk 'NR == 2 { print $4 }')
[ "$free" -ge "$2" ] || { echo "$((free / 1024)) MiB free, $(($2 / 1024)) MiB wanted" >&2; exit 1; }
"""
"""Words: folder, KiB that must be free on its file system, and a folder whose being there makes the question moot."""

REACH = r"""
probe() {
  said=$(LC_ALL=C timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1)
  case "$? $said" in
    "0 "*|*refused*) ;;
    124*) echo "$3 ($1) port $2: no answer in 3 s" ;;
    *) echo "$3 ($1) port $2: $said" ;;
  esac
}
told=$(while [ $# -gt 2 ]; do probe "$1" "$2" "$3" & shift 3; done; wait)
[ -z "$told" ] || { printf '%s\n' "$told" >&2; exit 1; }
"""
"""Words: ADDRESS PORT NAME, again and again. A refused connection is an answer: nothing needs to listen yet."""

FOREIGN_DATA = r"""
[ -d "$1" ] || exit 0
head -n 2 -- "$2" 2>/dev/null | grep -qxF -- "$3" && exit 0
said=$(head -n 2 -- "$2" 2>/dev/null | sed -n 's/^# haconsole: /it says: /p')
echo "${said:-it says nothing}" >&2; exit 1
"""
"""Words: data folder, configuration that vouches for it, the line by which it does."""

DATA_THERE = r"""[ -d "$1" ]"""

FOREIGN_FILES = r"""
mark=$1; shift
for file in "$@"; do
  [ ! -e "$file" ] || head -n 2 -- "$file" | grep -qxF -- "$mark" || echo "$file"
done | { told=$(cat); [ -z "$told" ] || { printf '%s\n' "$told" >&2; exit 1; }; }
"""
"""Words: the line that marks this cluster's files, and files that must bear it or not be there."""

FOREIGN_SERVICE = r"""
[ -e "$3" ] || exit 0
systemctl is-active --quiet "$2" || exit 0
head -n 2 -- "$3" | grep -qxF -- "$1" && exit 0
! grep -qE "$4" "$3"
"""
"""Words: this cluster's mark, a unit, its configuration, what in it shows that it serves something else."""

COMPONENT_HEALTHY = r"""
printf 'GET /healthz HTTP/1.0\r\n\r\n' |
  timeout 5 openssl s_client -quiet -connect "127.0.0.1:$1" 2>/dev/null | grep -q '^HTTP/1.0 200'
"""
"""Word: the secure port of controller-manager or scheduler."""
