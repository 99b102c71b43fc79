#!/bin/sh
# Stops static pods: takes their manifests out of kubelet's folder and waits until no process of them is left. They stay
# stopped, also after a reboot, until static-pod-start; if they do not stop in time, the manifests are returned.
# usage: static-pod-stop FOLDER STOP_S START_S NAME PROGRAM MANIFEST [NAME PROGRAM MANIFEST]...
# FOLDER is where manifests are kept meanwhile.
# shellcheck disable=SC2086  # $manifests is a list of paths without blanks
keep=$1 stop_s=$2; shift 3
# uses lib/static-pod
manifests=$(manifests_of "$@")
check_folder $manifests
lock_pods
trap 'exit 143' TERM INT HUP
take_out $manifests
until_gone "$stop_s" "$@" || { put_back $manifests; exit 1; }
