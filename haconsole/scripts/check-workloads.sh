#!/bin/sh
# Are the workloads available that a rotation restarts? It waits for them later, when half of the cluster has the new CA.
# Prints those that are not. Succeeds once CA_FILE is there: a rotation that has begun goes on.
# usage: check-workloads KUBECONFIG CA_FILE kube-system|all
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s "$@"; }
kubeconfig=$1 scope=-nkube-system
[ ! -e "$2" ] || exit 0
[ "$3" != all ] || scope=-A
umask 077; work=$(mktemp -d); trap 'rm -rf -- "$work"' EXIT
kube get daemonsets,deployments,statefulsets "$scope" -o \
  'jsonpath={range .items[*]}{.metadata.namespace}|{.kind}/{.metadata.name}|{.spec.updateStrategy.type}{"\n"}{end}' \
  >"$work/workloads" || exit 1
while IFS='|' read -r namespace name strategy; do
  [ "$strategy" = OnDelete ] || kube rollout status -n "$namespace" "$name" --timeout=3s >/dev/null 2>&1 </dev/null ||
    echo "$namespace $name"
done <"$work/workloads" >"$work/found"
[ -s "$work/found" ] || exit 0
{ head -n 20 "$work/found"; sed '1,20d' "$work/found" | awk 'END { if (NR) print "and " NR " more" }'; } >&2
false
