#!/bin/sh
# Fails while something of kubeadm's init or join is on this host; prints it.
# usage: check-kubeadm-left CONFIG_DIR PKI_DIR DATA_DIR
# uses lib/of-pod
for path in "$1"/kubelet.conf "$1"/bootstrap-kubelet.conf "$1"/admin.conf "$2"/*.crt ${3:+"$3/member"} \
  "$1"/manifests/etcd.yaml "$1"/manifests/kube-*.yaml /var/lib/kubelet/config.yaml; do
  [ ! -e "$path" ] || { echo "$path exists"; exit 1; }
done
for name in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  for process in $(pidof "$name"); do of_pod "/proc/$process" || { echo "$name runs"; exit 1; }; done
done
