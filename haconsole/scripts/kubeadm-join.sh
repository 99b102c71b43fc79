#!/bin/sh
# Makes this host a node. Reads kubeadm's configuration, which holds secrets, from standard input.
# usage: kubeadm-join DATA_DIR
# uses lib/kubeadm-run
systemctl enable --quiet kubelet
run_kubeadm "$1" join --config /dev/stdin
