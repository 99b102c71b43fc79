#!/bin/sh
# Restarts static pods: takes their manifests out of kubelet's folder, waits until no process of them is left, returns
# the manifests and waits for the new processes. Fails if they do not stop or start in time; the manifests are returned
# then too. They are also returned after a signal, by a second process after SIGKILL, and by systemd-tmpfiles at a boot.
# usage: static-pod-restart FOLDER STOP_S START_S NAME PROGRAM MANIFEST [NAME PROGRAM MANIFEST]...
# FOLDER is where manifests are kept meanwhile, STOP_S and START_S are the limits in seconds.
# shellcheck disable=SC2086  # $manifests is a list of paths without blanks
keep=$1 stop_s=$2 start_s=$3; shift 3
# uses lib/static-pod
manifests=$(manifests_of "$@")
check_folder $manifests
lock_pods
trap 'put_back $manifests' EXIT
trap 'exit 143' TERM INT HUP
export keep boot_file
# shellcheck disable=SC2016  # the inner sh expands it
setsid sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 0.5; done; shift
for manifest; do
  copy=$keep/${manifest##*/}; new=${manifest%/*}/.${manifest##*/}.haconsole
  [ -f "$copy" ] || continue
  [ -e "$manifest" ] || { cp -p -- "$copy" "$new" && mv -T -- "$new" "$manifest"; } || continue
  rm -f -- "$copy" "$new"
done; rm -f -- "$boot_file"' guard $$ $manifests </dev/null >/dev/null 2>&1 &
guard=$!
returned_at_boot $manifests
take_out $manifests
until_gone "$stop_s" "$@"
put_back $manifests
kill "$guard" 2>/dev/null || :
until_running "$start_s" "$@"
