#!/bin/sh
# Prints what units need: their account, the files that they name and whether the account can use these, their limits.
# usage: unit-setup UNIT...
# prints: "unit NAME", "account missing USER", "reload", "file STATE NAME PATH", "time SECONDS PATH", "server PATH URL", "sum SHA256 PATH",
#   "setting PATH NAME=VALUE", "throttled PERIODS OF_PERIODS", "memory CURRENT MAX KILLS", "tasks CURRENT MAX HITS"
# The sum is that of a file with haconsole's mark, without the initial cluster, which etcd reads at its first start only.
# Settings are those of drop-ins and unit files of /etc and /run without haconsole's mark; of an environment only the
# names of its variables, of a command only its program.
# STATE is usable, missing, unreadable, unwritable, empty or not-executable; SECONDS is the time of the last change.
# A path counts as needed by its name: a flag or variable that ends like --kubeconfig, CERT_FILE or DATA_DIR.
# The name of a folder that etcd makes inside of its data folder is member-folder.
# Most of it is done by builtins, because each started process costs the host more.
# shellcheck disable=SC2016,SC2086,SC2013  # the inner shell expands; paths are split at newlines on purpose
set -f
newline='
'
states='state_of() {
  state=usable
  if [ -d "$2" ]; then
    case $1 in
      *dir | *DIR)
        for place in "$2" "$2/member" "$2/member/wal" "$2/member/snap"; do
          if [ -d "$place" ] && [ ! -w "$place" ]; then
            [ "$place" = "$2" ] && name=$1 || name=member-folder
            printf "file unwritable %s %s\n" "$name" "$place"
            return
          fi
        done ;;
    esac
  elif [ ! -e "$2" ]; then state=missing
  elif [ "$1" = program ]; then [ -x "$2" ] || state=not-executable
  elif [ ! -r "$2" ]; then state=unreadable
  elif [ ! -s "$2" ]; then state=empty; fi
  printf "file %s %s %s\n" "$state" "$1" "$2"
}
show_states() { while read -r name path; do [ -z "$path" ] || state_of "$name" "$path"; done; }'
eval "$states"
number() { [ -r "$1" ] && read -r value <"$1" || value=; }
count() {
  found=0
  while read -r key value; do [ "$key" != "$2" ] || found=$value; done <"$1"
}
# Sets folder to the main process's own group with a controller: in the tree of version 1 that has it, else in the
# unified one. A group that it shares with process 1 or that is a slice is not the unit's own.
find_group() {
  folder=''
  while IFS=: read -r number controllers path; do
    case ,$controllers, in *",$1,"*) ;; ,,) [ -z "$folder" ] || continue ;; *) continue ;; esac
    case $path in / | *.slice) continue ;; esac
    case $first_groups in *"$newline$number:$controllers:$path$newline"*) continue ;; esac
    for tree in "$controllers" "$1" '' unified; do
      [ ! -e "/sys/fs/cgroup/$tree$path/cgroup.procs" ] || { folder=/sys/fs/cgroup/$tree$path; break; }
    done
  done <"/proc/$pid/cgroup"
  [ -n "$folder" ]
}
limits() {
  case $pid in '' | 0) return 0 ;; esac
  if find_group cpu; then
    count "$folder/cpu.stat" nr_periods; periods=$found
    count "$folder/cpu.stat" nr_throttled
    [ "$periods" = 0 ] || printf 'throttled %s %s\n' "$found" "$periods"
  fi
  if find_group memory; then
    if [ -e "$folder/memory.limit_in_bytes" ]; then
      number "$folder/memory.limit_in_bytes"; most=$value
      number "$folder/memory.usage_in_bytes"; current=$value
      count "$folder/memory.oom_control" oom_kill
    else
      number "$folder/memory.max"; most=$value
      number "$folder/memory.current"; current=$value
      count "$folder/memory.events" oom_kill
    fi
    case $most in '' | max | 92233720368547*) ;; *) printf 'memory %s %s %s\n' "$current" "$most" "$found" ;; esac
  fi
  if find_group pids; then
    number "$folder/pids.max"; most=$value
    number "$folder/pids.current"; current=$value
    count "$folder/pids.events" max
    case $most in '' | max) ;; *) printf 'tasks %s %s %s\n' "$current" "$most" "$found" ;; esac
  fi
} 2>/dev/null
add() {
  case "$newline$paths" in *"$newline$2$newline"*) ;; *) paths="$paths$2$newline" ;; esac
  case $1 in unit-file | environment-file) own="$own$2$newline" ;; esac
  case $1 in
    unit-file | environment-file | program) as_root="$as_root$1 $2$newline" ;;
    *) as_user="$as_user$1 $2$newline" ;;
  esac
  case $1 in *kubeconfig) case "$kubeconfigs" in *" $2 "*) ;; *) kubeconfigs="$kubeconfigs $2 " ;; esac ;; esac
}
add_if_needed() {
  case $2 in /*) ;; *) return ;; esac
  case $1 in
    *log-file | *LOG_FILE | *pid-file | *PIDFILE) ;;
    *file | *cert | *key | *ca | *kubeconfig | *certificate | *authority | *dir | *config) add "$1" "$2" ;;
    *FILE | *DIR | *CONFIG) add "$1" "$2" ;;
  esac
}
read_settings() {
  while IFS='=' read -r name value; do
    value=${value#[\"\']}; value=${value%[\"\']}
    case $name in [A-Z]*) add_if_needed "$name" "${value%% *}" ;; esac
  done <"$1"
} 2>/dev/null
show_settings() {
  shown_settings=''
  while read -r line || [ -n "$line" ]; do
    case $line in
      '# haconsole: '*) return 0 ;;
      [A-Z]*=*)
        name=${line%%=*} value=${line#*=}
        name=${name%%[!A-Za-z]*} value=${value# }
        case $name in
          Environment)
            names=''
            for word in $value; do
              word=${word#[\"\']}
              case $word in *=*) names="$names ${word%%=*}" ;; esac
            done
            value=${names# } ;;
          Exec*) value=${value%% *} ;;
          *Credential*) value='' ;;
        esac
        shown_settings="${shown_settings}setting $1 $name=$value$newline" ;;
    esac
  done <"$1"
  printf '%s' "$shown_settings"
} 2>/dev/null
show_unit() {
  [ -n "$unit" ] && [ "$loaded" = loaded ] || return 0
  printf 'unit %s\n' "$unit"
  [ "$stale" != yes ] || echo reload
  user=${user:-root} as_root='' as_user=''
  if [ "$user" != root ] && ! id -u "$user" >/dev/null 2>&1; then printf 'account missing %s\n' "$user"; user=root; fi
  [ -z "$fragment" ] || add unit-file "$fragment"
  case $fragment in /etc/* | /run/*) show_settings "$fragment" ;; esac
  for path in $dropins; do add unit-file "$path"; show_settings "$path"; done
  [ -z "$workdir" ] || add WorkingDirectory "$workdir"
  first=program
  for word in $command; do
    case $word in
      --*=*) name=${word%%=*}; add_if_needed "${name#--}" "${word#*=}" ;;
      /*) [ -z "$first" ] || add program "$word" ;;
    esac
    first=
  done
  for path in $settings; do add environment-file "$path"; read_settings "$path"; done
  show_states <<END
$as_root
END
  if [ "$user" = root ]; then
    show_states <<END
$as_user
END
  elif [ -n "$as_user" ]; then
    printf '%s' "$as_user" | runuser -u "$user" -- sh -c "$states; show_states"
  fi
  limits
}
show_files() {
  IFS=$newline
  stat -L -c 'time %Y %n' -- $paths 2>/dev/null
  for path in $(grep -l '^# haconsole: cluster ' -- $own 2>/dev/null); do
    sum=$(sed '/^ETCD_INITIAL_CLUSTER/d; /^ETCD_DISCOVERY/d' -- "$path" | sha256sum)
    printf 'sum %s %s\n' "${sum%% *}" "$path"
  done
  IFS=' '
  for path in $kubeconfigs; do
    while read -r key value; do
      [ "$key" != server: ] || { value=${value#[\"\']}; printf 'server %s %s\n' "$path" "${value%[\"\']}"; }
    done <"$path"
  done 2>/dev/null
}
forget() { unit='' loaded='' fragment='' dropins='' settings='' command='' workdir='' user='' stale='' pid=''; }
forget
first_groups=$newline
while IFS= read -r line; do first_groups=$first_groups$line$newline; done 2>/dev/null </proc/1/cgroup
paths='' own='' kubeconfigs=''
shown=$(timeout 5 systemctl show --no-pager \
  -p Id,LoadState,FragmentPath,DropInPaths,EnvironmentFiles,ExecStart,User,WorkingDirectory,NeedDaemonReload,MainPID -- "$@") || exit
while IFS= read -r line; do
  key=${line%%=*} value=${line#*=}
  case $key in
    Id) unit=$value ;;
    LoadState) loaded=$value ;;
    FragmentPath) fragment=$value ;;
    DropInPaths) dropins=$value ;;
    EnvironmentFiles)
      path=${value% (ignore_errors=*}
      case $value in *=no\)) settings="$settings $path" ;; *) [ ! -e "$path" ] || settings="$settings $path" ;; esac ;;
    ExecStart) [ -n "$command" ] || { command=${value#*argv\[\]=}; command=${command%% ; ignore_errors*}; } ;;
    User) user=$value ;;
    WorkingDirectory) case $value in /*) workdir=$value ;; esac ;;
    NeedDaemonReload) stale=$value ;;
    MainPID) pid=$value ;;
    '') show_unit; forget ;;
  esac
done <<END
$shown

END
[ -z "$paths" ] || show_files
:
