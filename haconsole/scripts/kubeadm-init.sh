#!/bin/sh
# Makes a cluster of this host. A marker exists from the start of init to its end: only while it exists a half-finished
# init is completed or, if its API server is not ready, undone and started again.
# usage: kubeadm-init CONFIG SUFFIX API_PORT CONFIG_DIR PKI_DIR DATA_DIR [CRI_SOCKET]; DATA_DIR is empty if etcd is not
# kubeadm's
PATH=$PATH:/usr/bin:/usr/local/bin
# uses lib/kubeadm-leave
# uses lib/kubeadm-run
config=$1 end=$2 port=$3 folder=$4 pki=$5 data=$6 socket=${7-}
marker=$folder/haconsole-init-unfinished
ready() {
  printf 'GET /readyz HTTP/1.0\r\n\r\n' |
    timeout 10 openssl s_client -quiet -connect "127.0.0.1:$port" 2>/dev/null | grep -q '^HTTP/1.[01] 200'
}
finish_init() {
  [ -e "$folder/admin.conf" ] && ready || return 1
  echo "The API server is ready: init is completed."
  for phase in "upload-config all" mark-control-plane "bootstrap-token --skip-token-print" "kubelet-finalize all" \
    "addon all"; do
    # shellcheck disable=SC2086  # a phase and its word
    kubeadm init phase $phase --config "$config" || return 1
  done
}
begun() {
  for path in "$folder"/admin.conf "$folder"/kubelet.conf "$folder"/manifests/kube-apiserver.yaml ${data:+"$data/member"}; do
    [ ! -e "$path" ] || return 0
  done
  return 1
}
if [ -e "$marker" ] && finish_init; then rm -- "$marker"; exit 0; fi
if begun; then
  [ -e "$marker" ] || {
    echo "this host has a control plane that kubeadm finished before, and its API server is not ready." >&2
    echo "Read why: tail /var/log/pods/*_kube-apiserver-*/*/*.log. If the cluster is not needed: kubeadm reset" >&2
    exit 1
  }
  echo "A half-finished init is undone; what it wrote is kept in $folder.$end."
  cp -- "$config" "$config.new"
  kubeadm_leave "$end" "$folder" "$pki" "$data" "$socket"
  # an etcd that is not kubeadm's keeps what the first attempt wrote, so the CAs and keys must be the same
  [ -n "$data" ] || cp -a -- "$folder.$end/${pki##*/}" "$pki"
  mv -- "$config.new" "$config"
fi
: >"$marker"
systemctl enable --quiet kubelet
run_kubeadm "$data" init --config "$config" --skip-token-print
rm -- "$marker"
