#!/bin/sh
# Starts static pods that static-pod-stop or an interrupted static-pod-restart stopped: returns their manifests to
# kubelet's folder and waits for the new processes.
# usage: static-pod-start FOLDER STOP_S START_S NAME PROGRAM MANIFEST [NAME PROGRAM MANIFEST]...
# shellcheck disable=SC2086  # $manifests is a list of paths without blanks
keep=$1 start_s=$3; shift 3
# uses lib/static-pod
manifests=$(manifests_of "$@")
check_folder $manifests
lock_pods
put_back $manifests
until_running "$start_s" "$@"
