#!/bin/sh
# Functions that stop and start static pods by their manifests.
#
# A manifest is in one of three states:
# 1. in kubelet's folder, no copy in $keep: the pod runs, or kubelet starts it.
# 2. in kubelet's folder and in $keep: `take_out` is about to remove it, or a reboot has returned it.
# 3. only in $keep: kubelet stops the pod. While `returned_at_boot` names it, systemd-tmpfiles returns it at a boot.
# kubelet reads every file of its folder whose name does not begin with a dot, so no copy is kept there.
# uses lib/pod-processes
boot_file=${HACONSOLE_BOOT_FILE:-/etc/tmpfiles.d/haconsole-static-pods.conf}
kept() { printf '%s/%s\n' "$keep" "${1##*/}"; }
# check_folder MANIFEST...: kubelet runs and reads these files.
check_folder() {
  pidof kubelet >/dev/null || { echo "kubelet does not run and stops no pod: systemctl start kubelet" >&2; return 1; }
  real=$(readlink -f -- "$(static_pod_folder)")
  for manifest; do
    folder=$(readlink -f -- "${manifest%/*}")
    [ "$folder" = "$real" ] || { echo "kubelet reads $real, not ${manifest%/*}" >&2; return 1; }
  done
}
manifests_of() { while [ $# -gt 2 ]; do printf '%s\n' "$3"; shift 3; done; }
# lock_pods: one command at a time changes the manifests of a host, until it and its second process have ended.
lock_pods() {
  umask 077; mkdir -p -- "$keep"
  exec 9>"$keep/lock"
  flock -w 90 9 || { echo "another restart of static pods is running on this host" >&2; return 1; }
}
returned_at_boot() {
  mkdir -p -- "${boot_file%/*}"
  for manifest; do printf 'C %s - - - - %s\n' "$manifest" "$(kept "$manifest")"; done >"$boot_file"
  sync -- "$boot_file"
}
# take_out MANIFEST...: copies first, then the removal. One that is only in $keep was removed by an interrupted attempt.
take_out() {
  for manifest; do
    copy=$(kept "$manifest")
    [ -f "$manifest" ] || { [ -f "$copy" ] && continue; echo "there is no $manifest" >&2; return 1; }
    cp -p -- "$manifest" "$copy.new" && sync -- "$copy.new" && mv -T -- "$copy.new" "$copy" || return 1
  done
  for manifest; do rm -f -- "$manifest"; done
}
# put_back MANIFEST...: complete or not at all, and without changes where the manifest was written again meanwhile.
put_back() {
  for manifest; do
    copy=$(kept "$manifest"); new=${manifest%/*}/.${manifest##*/}.haconsole
    [ -f "$copy" ] || continue
    if [ ! -e "$manifest" ]; then
      cp -p -- "$copy" "$new" && sync -- "$new" && mv -T -- "$new" "$manifest" || return 1
    fi
    rm -f -- "$copy" "$new"
  done
  rm -f -- "$boot_file"
}
# until_gone SECONDS NAME PROGRAM MANIFEST...: no process of the pods is left, their sandboxes included.
# kubelet stops no pod while it has not reached the API since its start, as when certificates have expired. So after
# longer than any grace period the program is ended here, and the sandbox, which kubelet then uses again, may stay.
patience=${HACONSOLE_PATIENCE:-45}
until_gone() {
  now=$(date +%s); end=$((now + $1)); late=$((now + patience)); shift
  while [ $# -gt 2 ]; do
    while processes=$(pod_processes "$1" "$2") && [ -n "$processes" ]; do
      if [ "$(date +%s)" -ge "$late" ]; then
        process=$(pod_process "$1" "$2"); [ -n "$process" ] || break
        echo "kubelet has not stopped $1: ending process $process"; kill -- "$process" 2>/dev/null || :
        sleep 2
      fi
      [ "$(date +%s)" -lt "$end" ] || { echo "$1 still runs without its manifest: $processes" >&2; return 1; }
      sleep 0.1
    done
    shift 3
  done
}
# until_running SECONDS NAME PROGRAM MANIFEST...: prints each new process, or the last log lines of one without any.
until_running() {
  end=$(($(date +%s) + $1)); shift
  while [ $# -gt 2 ]; do
    until process=$(pod_process "$1" "$2") && [ -n "$process" ]; do
      [ "$(date +%s)" -lt "$end" ] || {
        echo "kubelet has not started $1" >&2
        tail -q -n 5 "${HACONSOLE_POD_LOGS:-/var/log/pods}"/*_"$1-$node"_*/*/*.log >&2 2>/dev/null
        return 1
      }
      sleep 0.1
    done
    echo "$1 runs in process $process"
    shift 3
  done
}
