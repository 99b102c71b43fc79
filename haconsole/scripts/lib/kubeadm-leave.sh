#!/bin/sh
# kubeadm_leave SUFFIX CONFIG_DIR PKI_DIR DATA_DIR SOCKET: kubelet stopped and disabled, containers removed, and what
# kubeadm, kubelet and etcd wrote renamed, manifests of stopped pods included. Configuration and keys go to CONFIG_DIR.SUFFIX, etcd's data to
# DATA_DIR.SUFFIX; on a file system of its own the data stays there under a name that begins with a dot.
kubeadm_leave() {
  kept=$2.$1
  aside() {
    to=$2/${1##*/}; [ ! -e "$to" ] || to=$to.$(date +%s)
    mv -T -- "$1" "$to"
  }
  systemctl disable --now --quiet kubelet 2>/dev/null || systemctl stop kubelet 2>/dev/null || :
  (
    umask 077
    mkdir -p -- "$kept/manifests"
    for path in "$2"/*.conf "$2/kubeadm.yaml" "$2/tmp" "$3"; do [ ! -e "$path" ] || aside "$path" "$kept"; done
    for path in "$2"/manifests/*.yaml /var/lib/haconsole/static-pods/*.yaml; do [ ! -e "$path" ] || aside "$path" "$kept/manifests"; done
  )
  kubeadm reset --force --skip-phases=remove-etcd-member ${5:+--cri-socket "$5"}
  [ -n "$4" ] && [ -e "$4/member" ] || return 0
  if mountpoint -q -- "$4"; then mv -T -- "$4/member" "$4/.member.$1"; else
    (umask 077; mkdir -p -- "$4.$1")
    aside "$4/member" "$4.$1"
  fi
}
