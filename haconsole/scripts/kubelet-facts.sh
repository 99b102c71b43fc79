#!/bin/sh
# Prints kubelet's settings and journal, the manifests it reads, and what runs and has run of them.
# Needs neither the API nor a tool of the container runtime. Logs are those of static pods only: their UIDs have no dash.
# `status` waits for this script, so it starts each program once for all files.
# usage: kubelet-facts
# prints: parts that begin with "@KIND VALUES"; text within a part begins with "| "
# uses lib/kubelet
print_manifests() { # FILE...: at most 64 KiB of each
  awk 'BEGIN {
    for (i = 1; i < ARGC; i++) {
      name = ARGV[i]; sub(/.*\//, "", name); print "@manifest " name
      for (size = 0; size < 65536 && (getline line <ARGV[i]) > 0; size += length(line) + 1)
        print "| " substr(line, 1, 65536)
      close(ARGV[i])
    }
  }' "$@"
}
newest_logs() { # CONTAINER-FOLDER sets `newest` and `second` to the numbers of its newest logs
  newest='' second=''
  for log in "$1"[0-9]*.log; do
    number=${log##*/}; number=${number%.log}
    case $number in *[!0-9]*) continue ;; esac
    [ -f "$log" ] || continue
    if [ "$number" -gt "${newest:--1}" ]; then second=$newest newest=$number
    elif [ "$number" -gt "${second:--1}" ]; then second=$number; fi
  done
}
# API servers log only as a warning why etcd's certificate or theirs is refused; the error after that names no cause.
print_logs() { # LOG...: the last errors of each, or its last lines; /dev/null makes head and tail print names
  { stat -Lc '%Y %n' "$@"
    echo '@began'; head -c 40 "$@" /dev/null
    printf '\n@lines\n'; tail -n 400 "$@" /dev/null
  } 2>/dev/null | awk '
    function show() {
      if (!(path in written)) return
      n = split(path, names, "/")
      print "@log", names[n - 2], names[n - 1], names[n] + 0, written[path], began[path]
      for (i = errors > 4 ? errors - 3 : 1; i <= errors; i++) print "| " substr(error[i], 1, 600)
      for (i = lines > 3 ? lines - 2 : 1; !errors && i <= lines; i++) print "| " substr(line[i], 1, 600)
      errors = lines = 0
    }
    /^@(began|lines)$/ { part = $0; path = ""; next }
    part == "" { written[$2] = $1; next }
    /^==> .* <==$/ { if (part == "@lines") show(); path = $2; next }
    $0 == "" || /"msg":"request stats"|use of closed network connection|The manifest file is empty, ignoring/ { next }
    part == "@began" { if (!(path in began)) began[path] = $1; next }
    { line[++lines] = $0 }
    /^[^ ]* [^ ]* [FP] ([Ff]ailed|Error|error|[EF][0-9][0-9][0-9][0-9] |panic|fatal)/ ||
      /^[^ ]* [^ ]* [FP] ([^|]* [EC] [|] |W[0-9][0-9][0-9][0-9] .*x509: |.*"level":"(error|fatal|panic)")/ { error[++errors] = $0 }'
}
# The name of kubelet's link to a log ends with the container's ID, under which containerd keeps its state.
# shellcheck disable=SC2012  # find of busybox prints no target of a link, and these names have no blanks
print_exits() { # the exit status of each container of a static pod that ended
  ls -l /var/log/containers 2>/dev/null | while IFS= read -r line; do
    log=${line##* -> } id=${line% -> *}; id=${id##*-}
    path=${log%/*}; container=${path##*/}; pod=${path%/*}; pod=${pod##*/} number=${log##*/}
    case ${pod##*_} in *-* | '') continue ;; esac
    state=/var/lib/containerd/io.containerd.grpc.v1.cri/containers/${id%.log}/status status=''
    [ -r "$state" ] && { read -r status <"$state" || :; }
    case $status in *'"FinishedAt":0,'*) continue ;; *'"ExitCode":'[0-9]*) ;; *) continue ;; esac
    status=${status#*\"ExitCode\":}
    printf '@exit %s %s %s %s\n' "$pod" "$container" "${number%.log}" "${status%%[!0-9]*}"
  done
}
# kubelet 1.36 logs each second, as an error, that a worker has no static-pod folder.
print_errors() { # the last errors of journal lines
  awk '/\]: ([EF][0-9][0-9][0-9][0-9] |.*([Ee]rror|[Ff]ailed|panic))/ && !/perf_event|path does not exist, ignoring/ { line[++lines] = $0 }
    END { for (i = lines > 40 ? lines - 39 : 1; i <= lines; i++) print "| " substr(line[i], 1, 700) }'
}
folder=$(static_pod_folder)
printf '@folder %s\n@config %s\n' "$folder" "$(kubelet_config)"
printf '@driver %s\n@endpoint %s\n' "$(kubelet_setting cgroupDriver)" "$(kubelet_setting containerRuntimeEndpoint)"
printf '@swap-refusal %s\n@renewal %s\n' "$(kubelet_setting failSwapOn)" "$(kubelet_setting rotateCertificates)"
printf '%s\n' "$kubelet_words" | sed -n 's/^--/@flag --/p'
while read -r name kind _; do
  case $kind in Type | '') ;; *) printf '@swap %s\n' "$name" ;; esac
done 2>/dev/null </proc/swaps
for path in admin.conf kubelet.conf bootstrap-kubelet.conf haconsole-init-unfinished; do
  [ ! -e "/etc/kubernetes/$path" ] || printf '@kubeadm-file /etc/kubernetes/%s\n' "$path"
done
if [ -f /etc/containerd/config.toml ]; then
  echo '@containerd'
  keys='disabled_plugins\|imports\|sandbox_image\|sandbox\|SystemdCgroup'
  sed -n "s/^[[:space:]]*\($keys\)[[:space:]]*=/| &/p" /etc/containerd/config.toml
fi
set --
for path in "$folder"/*; do [ ! -f "$path" ] || set -- "$@" "$path"; done
[ $# -eq 0 ] || { print_manifests "$@"; stat -Lc '@placed %Z %n' "$@"; }
printf '@boot %s %s %s\n' "$(sed -n 's/^btime //p' /proc/stat)" "$(getconf CLK_TCK 2>/dev/null || echo 100)" "$(stat -c %Y /proc/1)"
set --
for pod in /var/log/pods/*_*; do
  case ${pod##*_} in *-* | '*') continue ;; esac
  for container in "$pod"/*/; do
    newest_logs "$container"
    for number in $newest $second; do set -- "$@" "$container$number.log"; done
  done
done
logs=$([ $# -eq 0 ] || print_logs "$@")
printf '%s\n' "$logs"
print_exits
case $logs in *'address already in use'*)
  ss -Hltnp 2>/dev/null | sed 's/^/@listener /' ;;
esac
grep -Hsm 1 kubepods /proc/[0-9]*/cgroup | while IFS= read -r line; do
  group=${line#*/cgroup:*:}
  case $group in *-*-*-*-*/*) continue ;; esac
  read -r stat <"${line%%/cgroup:*}/stat" && printf '@process %s %s\n' "$group" "$stat"
done 2>/dev/null
echo '@journal'
timeout 5 journalctl -q --no-pager -o short-unix -n 300 -u kubelet.service 2>/dev/null | print_errors
true
