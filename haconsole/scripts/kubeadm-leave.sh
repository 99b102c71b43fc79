#!/bin/sh
# Undoes kubeadm's init or join on this host; keeps configuration, keys and etcd's data under other names.
# usage: kubeadm-leave SUFFIX CONFIG_DIR PKI_DIR DATA_DIR [CRI_SOCKET]
PATH=$PATH:/usr/bin:/usr/local/bin
# uses lib/kubeadm-leave
kubeadm_leave "$1" "$2" "$3" "$4" "${5-}"
