#!/bin/sh
# Are the workloads available that a rotation restarts? It waits for them later, when half of the cluster has the new CA.
# Prints those that are not. Succeeds once CA_FILE is there: a rotation that has begun goes on.
# usage: check-workloads KUBECONFIG CA_FILE kube-system|all
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s "$@"; }
# uses lib/workloads
kubeconfig=$1
[ ! -e "$2" ] || exit 0
umask 077; work=$(mktemp -d); trap 'rm -rf -- "$work"' EXIT
workloads "$3" >"$work/workloads" || exit 1
while IFS='|' read -r namespace name _ strategy; do
  is_available "$namespace" "$name" "$strategy" 3 >/dev/null 2>&1 || echo "$namespace $name"
done <"$work/workloads" >"$work/found"
none_in "$work/found"
