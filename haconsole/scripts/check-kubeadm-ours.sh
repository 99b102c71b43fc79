#!/bin/sh
# Fails if a cluster of kubeadm's is on this host that FILE, kubeadm's configuration with MARK, does not belong to.
# usage: check-kubeadm-ours MARK FILE CONFIG_DIR DATA_DIR
grep -qxF -- "$1" "$2" 2>/dev/null && exit 0
for path in "$3"/admin.conf "$3"/kubelet.conf "$3"/manifests/kube-apiserver.yaml ${4:+"$4/member"}; do
  [ ! -e "$path" ] || { echo "$path exists"; exit 1; }
done
