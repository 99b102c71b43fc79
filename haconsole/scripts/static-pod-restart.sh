#!/bin/sh
# Restarts static pods: takes their manifests out of kubelet's folder, waits until no process of them is left, returns
# the manifests and waits for the new processes. Fails if they do not stop or start in time; the manifests are returned
# then too. They are also returned after a signal, by a second process after SIGKILL, and by systemd-tmpfiles at a boot.
# usage: static-pod-restart FOLDER SECONDS NAME PROGRAM MANIFEST [NAME PROGRAM MANIFEST]...
# FOLDER is where manifests are kept meanwhile, SECONDS the limit for the stop and again for the start.
# shellcheck disable=SC2086  # $manifests is a list of paths without blanks
keep=$1 limit=$2; shift 2
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
until_gone "$limit" "$@"
put_back $manifests
kill "$guard" 2>/dev/null || :
until_running "$limit" "$@"
