#!/bin/sh
# Stores the control plane's certificates in the cluster, encrypted. Reads kubeadm's configuration with the key from
# standard input.
# usage: kubeadm-upload-certs
PATH=$PATH:/usr/bin:/usr/local/bin
exec kubeadm init phase upload-certs --upload-certs --skip-certificate-key-print --config /dev/stdin
