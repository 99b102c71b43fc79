#!/bin/sh
# Prints kubelet's settings and journal, the manifests it reads, and what runs and has run of them.
# Needs neither the API nor a tool of the container runtime. Logs are those of static pods only: their UIDs have no dash.
# usage: kubelet-facts
# prints: parts that begin with "@KIND VALUES"; text within a part begins with "| "
# uses lib/kubelet
errors='^[^ ]* [^ ]* [FP] ([Ff]ailed|Error|error|E[0-9]{4} |F[0-9]{4} |panic|fatal|[^|]* [EC] \| |.*"level":"(error|fatal|panic)")'
marked() { sed 's/^/| /'; }
folder=$(static_pod_folder)
printf '@folder %s\n' "$folder"
printf '@config %s\n' "$(kubelet_config)"
printf '@driver %s\n' "$(kubelet_setting cgroupDriver)"
printf '@endpoint %s\n' "$(kubelet_setting containerRuntimeEndpoint)"
kubelet_words | grep '^--' | sed 's/^/@flag /'
if [ -f /etc/containerd/config.toml ]; then
  echo '@containerd'
  grep -E '^[[:space:]]*(disabled_plugins|imports|sandbox_image|sandbox|SystemdCgroup)[[:space:]]*=' \
    /etc/containerd/config.toml | marked
fi
for path in "$folder"/*; do
  [ -f "$path" ] || continue
  printf '@manifest %s\n' "${path##*/}"
  head -c 65536 "$path" | marked
  echo
done
printf '@boot %s %s %s\n' "$(sed -n 's/^btime //p' /proc/stat)" "$(getconf CLK_TCK || echo 100)" "$(stat -c %Y /proc/1)"
for pod in /var/log/pods/*_*; do
  uid=${pod##*_}
  case $uid in *-* | '*') continue ;; esac
  for container in "$pod"/*/; do
    logs=$(for log in "$container"[0-9]*.log; do [ ! -f "$log" ] || echo "${log##*/}"; done | sort -rn | head -n 2)
    for log in $logs; do
      path=$container$log
      printf '@log %s %s %s %s %s\n' "${pod##*/}" "$(basename "$container")" "${log%.log}" \
        "$(stat -c %Y "$path")" "$(head -c 40 "$path" | cut -d ' ' -f 1)"
      found=$(tail -n 400 "$path" | grep -aE "$errors" | tail -n 4)
      [ -n "$found" ] || found=$(tail -n 3 "$path")
      printf '%s\n' "$found" | cut -c 1-600 | marked
    done
  done
done 2>/dev/null
grep -m 1 -s kubepods /proc/[0-9]*/cgroup | while IFS=/ read -r _ _ process rest; do
  case $rest in *-*-*-*-*/*) continue ;; esac
  printf '@process %s %s\n' "${rest#*:*:}" "$(cat "/proc/$process/stat")"
done 2>/dev/null
echo '@journal'
timeout 5 journalctl -q --no-pager -o short-unix -n 300 -u kubelet.service 2>/dev/null |
  grep -aE '\]: ([EF][0-9]{4} |.*([Ee]rror|[Ff]ailed|panic))' | grep -av perf_event | cut -c 1-700 | tail -n 40 | marked
true
