#!/bin/sh
# Fails unless the configuration of containerd has the settings that kubelet depends on.
# usage: check-containerd CONFIG DRIVER IMAGE CNI_FOLDER
# uses lib/cni-folder
config=$1 driver=$2 image=$3 cni=$(cni_folder "$4") failed=0
wrong() { echo "$1" >&2; failed=1; }
! grep -qs '^[[:space:]]*disabled_plugins[[:space:]]*=.*"\(io\.containerd\.grpc\.v1\.\)\{0,1\}cri"' "$config" || wrong "its CRI plugin is disabled"
dump=$(containerd --config "$config" config dump 2>/dev/null) || dump=$(containerd config dump) || exit 1
case $driver in systemd) used=true ;; *) used=false ;; esac
printf '%s\n' "$dump" | grep -q "SystemdCgroup = $used" || wrong "its cgroup driver is not $driver"
[ -z "$image" ] || printf '%s\n' "$dump" | grep -q "sandbox\(_image\)\{0,1\} = [\"']${image}[\"']" || wrong "its sandbox image is not $image"
[ -z "$cni" ] || printf '%s\n' "$dump" | grep -q "bin_dirs\{0,1\} = .*[\"']${cni}[\"']" || wrong "it does not look for CNI plug-ins in $cni"
exit "$failed"
