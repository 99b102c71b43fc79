#!/bin/sh
# Fails unless kubeadm and kubelet of the release SERIES (like 1.20) and a container runtime are installed here.
# usage: check-kubeadm SERIES [CRI_SOCKET]
PATH=$PATH:/usr/bin:/usr/local/bin
for program in kubeadm kubelet; do
  command -v "$program" >/dev/null || { echo "$program is not installed"; exit 1; }
done
version=$(kubeadm version --output short)
case $version in "v$1".*) ;; *) echo "kubeadm is $version"; exit 1 ;; esac
version=$(kubelet --version)
case $version in *" v$1".*) ;; *) echo "kubelet is ${version##* }"; exit 1 ;; esac
for socket in ${2:-/run/containerd/containerd.sock /run/crio/crio.sock /run/cri-dockerd.sock /var/run/dockershim.sock}; do
  [ ! -S "$socket" ] || exit 0
done
echo "no container runtime listens at ${2:-its usual socket}"; exit 1
