#!/bin/sh
# Prints what units need: their account, the files that they name and whether the account can use these, their limits.
# usage: unit-setup UNIT...
# prints: "unit NAME", "account missing USER", "reload", "file STATE NAME PATH", "time SECONDS PATH", "server PATH URL", "sum SHA256 PATH",
#   "throttled PERIODS OF_PERIODS", "memory CURRENT MAX KILLS", "tasks CURRENT MAX HITS"
# The sum is that of a file with haconsole's mark, without the initial cluster, which etcd reads at its first start only.
# STATE is usable, missing, unreadable, unwritable, empty or not-executable; SECONDS is the time of the last change.
# A path counts as needed by its name: a flag or variable that ends like --kubeconfig, CERT_FILE or DATA_DIR.
# shellcheck disable=SC2016  # the inner shell expands it
states='state_of() {
  state=usable
  if [ -d "$1" ]; then
    case $2 in *dir | *DIR) [ -w "$1" ] || state=unwritable ;; esac
  elif [ ! -e "$1" ]; then state=missing
  elif [ "$2" = program ]; then [ -x "$1" ] || state=not-executable
  elif [ ! -r "$1" ]; then state=unreadable
  elif [ ! -s "$1" ]; then state=empty; fi
  printf "file %s %s %s\n" "$state" "$2" "$1"
}
while read -r name path; do [ -z "$path" ] || state_of "$path" "$name"; done'
as_user() {
  if [ "$1" = root ]; then sh -c "$states"; else runuser -u "$1" -- sh -c "$states"; fi
}
number() { [ -r "$1" ] && read -r value <"$1" || value=; }
limits() {
  [ -n "$group" ] && [ -d "/sys/fs/cgroup$group" ] || return 0
  folder=/sys/fs/cgroup$group periods=0 throttled=0 kills=0
  while read -r key value; do
    case $key in nr_periods) periods=$value ;; nr_throttled) throttled=$value ;; esac
  done <"$folder/cpu.stat" 2>/dev/null
  [ "$periods" = 0 ] || printf 'throttled %s %s\n' "$throttled" "$periods"
  number "$folder/memory.max"; most=$value
  number "$folder/memory.current"; current=$value
  while read -r key value; do case $key in oom_kill) kills=$value ;; esac; done <"$folder/memory.events" 2>/dev/null
  case $most in '' | max) ;; *) printf 'memory %s %s %s\n' "$current" "$most" "$kills" ;; esac
  number "$folder/pids.max"; most=$value
  number "$folder/pids.current"; current=$value
  hits=0
  while read -r key value; do case $key in max) hits=$value ;; esac; done <"$folder/pids.events" 2>/dev/null
  case $most in '' | max) ;; *) printf 'tasks %s %s %s\n' "$current" "$most" "$hits" ;; esac
}
needs() {
  [ -z "$fragment" ] || printf 'unit-file %s\n' "$fragment"
  for path in $dropins; do printf 'unit-file %s\n' "$path"; done
  [ -z "$folder_of_work" ] || printf 'WorkingDirectory %s\n' "$folder_of_work"
  printf '%s\n' "$command" | tr ' ' '\n' | sed -n -e '1s/^\(\/.*\)/program \1/p' \
    -e 's/^--*\([A-Za-z-]*\(file\|cert\|key\|ca\|kubeconfig\|certificate\|authority\|dir\|config\)\)=\(\/[^ ]*\)$/\1 \3/p'
  printf '%s\n' "$environment_files" | while read -r path; do
    [ -n "$path" ] || continue
    printf 'environment-file %s\n' "$path"
    sed -n 's/^\([A-Z_]*\(FILE\|DIR\|CONFIG\)\)=["'\'']\{0,1\}\(\/[^"'\'' ]*\).*/\1 \3/p' -- "$path" 2>/dev/null
  done
}
show_unit() {
  [ -n "$unit" ] && [ "$loaded" = loaded ] || return 0
  printf 'unit %s\n' "$unit"
  [ "$stale" != yes ] || echo reload
  user=${user:-root}
  if ! id -u "$user" >/dev/null 2>&1; then printf 'account missing %s\n' "$user"; user=root; fi
  needed=$(needs | sort -u)
  printf '%s\n' "$needed" | grep "$own" | as_user root
  printf '%s\n' "$needed" | grep -v "$own" | as_user "$user"
  printf '%s\n' "$needed" | cut -d' ' -f2- | xargs -d '\n' stat -L -c 'time %Y %n' -- 2>/dev/null
  printf '%s\n' "$needed" | grep '^unit-file \|^environment-file ' | while read -r _ path; do
    if sed 2q -- "$path" | grep -q '^# haconsole: cluster '; then
      sum=$(sed '/^ETCD_INITIAL_CLUSTER/d' -- "$path" | sha256sum)
      printf 'sum %s %s\n' "${sum%% *}" "$path"
    fi
  done
  printf '%s\n' "$needed" | grep 'kubeconfig /' | cut -d' ' -f2- | sort -u | while read -r path; do
    sed -n "s,^ *server: *[\"']\{0\,1\}\([^\"' ]*\).*,server $path \1,p" -- "$path" 2>/dev/null
  done
  limits
}
own='^unit-file \|^environment-file \|^program '
forget() { unit='' loaded='' fragment='' dropins='' environment_files='' command='' user='' folder_of_work='' stale='' group=''; }
forget
timeout 5 systemctl show --no-pager \
  -p Id,LoadState,FragmentPath,DropInPaths,EnvironmentFiles,ExecStart,User,WorkingDirectory,NeedDaemonReload,ControlGroup \
  -- "$@" | { cat; echo; } | while IFS= read -r line; do
    key=${line%%=*} value=${line#*=}
    case $key in
      Id) unit=$value ;;
      LoadState) loaded=$value ;;
      FragmentPath) fragment=$value ;;
      DropInPaths) dropins=$value ;;
      EnvironmentFiles)
        path=${value% (ignore_errors=*}
        case $value in *=no\)) needed=yes ;; *) needed='' ;; esac
        [ -z "$needed" ] && [ ! -e "$path" ] || environment_files="$environment_files$path
" ;;
      ExecStart) [ -n "$command" ] || { command=${value#*argv\[\]=}; command=${command%% ; ignore_errors*}; } ;;
      User) user=$value ;;
      WorkingDirectory) folder_of_work=${value#[!/]} ;;
      NeedDaemonReload) stale=$value ;;
      ControlGroup) group=$value ;;
      '') show_unit; forget ;;
    esac
  done
:
