#!/bin/sh
# Functions that find the processes of a static pod by control groups, so without the API or a tool of the runtime.
# uses lib/kubelet
node_name() { own=$(kubelet_flag hostname-override); printf '%s\n' "${own:-$(uname -n)}" | tr '[:upper:]' '[:lower:]'; }
node=$(node_name 2>/dev/null)
# pod_processes NAME PROGRAM prints "PID NAME" of every process of the pod: by the UIDs of its logs, which have no dash
# for a static pod, or by its program where it has no log.
pod_processes() {
  uids=$(for log in "${HACONSOLE_POD_LOGS:-/var/log/pods}"/*_"$1-$node"_*; do
    case ${log##*_} in *-* | '*') ;; *) printf '%s|' "${log##*_}" ;; esac
  done)
  grep -HsoE -m 1 'pod[0-9a-f]{32}($|[./])' "${HACONSOLE_PROC:-/proc}"/[0-9]*/cgroup | while IFS=: read -r path uid; do
    uid=${uid#pod}; uid=${uid%[./]}
    read -r program <"${path%cgroup}comm" || continue
    case "|$uids" in
      *"|$uid|"*) ;;
      '|') [ "$program" = "$2" ] || continue ;;
      *) continue ;;
    esac
    path=${path%/cgroup}; printf '%s %s\n' "${path##*/}" "$program"
  done 2>/dev/null
}
# pod_process NAME PROGRAM prints the PID of the program in the pod.
pod_process() { pod_processes "$1" "$2" | sed -n "s/ $2\$//p" | sort -n | head -n 1; }
