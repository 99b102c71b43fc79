#!/bin/sh
# Fails unless this host is ready for kubeadm init or join; prints everything that is missing, each with its fix.
# usage: check-kubeadm SERIES CGROUP_DRIVER SWAP IGNORED [CRI_SOCKET]
# SERIES is a release like 1.20; SWAP is `allowed` if kubelet runs with swap; IGNORED are names of kubeadm's preflight
# checks in between commas.
PATH=$PATH:/usr/bin:/usr/local/bin:/usr/sbin:/sbin
series=$1 driver=$2 swap=$3 ignored=,$4, socket=${5-}
proc=${HACONSOLE_PROC:-/proc} etc=${HACONSOLE_ETC:-/etc}
failed=0
# missing PROBLEM FIX
missing() { echo "$1: $2"; failed=1; }
counts() { case $ignored in *",$1,"* | *",all,"*) return 1 ;; esac; }
has() { command -v "$1" >/dev/null; }
for program in kubeadm kubelet; do
  if ! has "$program"; then missing "$program is not installed" "install $program $series"; continue; fi
  if [ "$program" = kubeadm ]; then version=$(kubeadm version --output short); else version=$(kubelet --version); fi
  case $version in
    *"v$series".*) ;;
    *) missing "$program is ${version##* }" "install $program $series, or change kubernetes.version" ;;
  esac
done
for program in conntrack iptables ip mount nsenter; do
  case $program in ip) package=iproute2 ;; mount) package=mount ;; nsenter) package=util-linux ;; *) package=$program ;; esac
  has "$program" || missing "$program is not installed" "install the package $package"
done
found=
for path in ${socket:-/run/containerd/containerd.sock /run/crio/crio.sock /run/cri-dockerd.sock /var/run/dockershim.sock}; do
  [ ! -S "$path" ] || { found=$path; break; }
done
case $found in
  "") missing "no container runtime listens at ${socket:-its usual socket}" "install containerd and start it" ;;
  */containerd.sock)
    dump=$(containerd config dump 2>/dev/null)
    case $dump in *"SystemdCgroup = true"*) used=systemd ;; *"SystemdCgroup = false"*) used=cgroupfs ;; *) used=$driver ;; esac
    [ "$used" = "$driver" ] || missing "the cgroup driver of containerd is $used, and of kubelet $driver" \
      "set SystemdCgroup in $etc/containerd/config.toml and restart containerd, or kubernetes.kubeadm.cgroup_driver"
    if grep -qs '^[[:space:]]*disabled_plugins[[:space:]]*=.*"\(io\.containerd\.grpc\.v1\.\)\{0,1\}cri"' "$etc/containerd/config.toml"; then
      missing "containerd's CRI plugin is disabled" "take it out of disabled_plugins in $etc/containerd/config.toml and restart containerd"
    fi
    ;;
esac
if [ "$swap" != allowed ] && counts Swap && [ "$(wc -l <"$proc/swaps")" -gt 1 ]; then
  missing "swap is on" "swapoff -a, and comment out the swap lines of $etc/fstab"
fi
setting() {
  counts "FileContent--proc-sys-$(printf %s "$1" | tr / -)" || return 0
  now=$(cat -- "$proc/sys/$1" 2>/dev/null) || now=absent
  [ "$now" = 1 ] || missing "$(printf %s "$1" | tr / .) is $now" "$2"
}
setting net/ipv4/ip_forward "set net.ipv4.ip_forward = 1 in $etc/sysctl.d, then sysctl --system"
setting net/bridge/bridge-nf-call-iptables "modprobe br_netfilter, name it in $etc/modules-load.d, and set it to 1 in $etc/sysctl.d"
exit "$failed"
