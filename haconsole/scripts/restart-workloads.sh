#!/bin/sh
# Restarts the workloads of kube-system, which load the CA and their tokens at their start, by an annotation of their
# pods. With `tokens` the tokens in Secrets are made again first, because the old key signed them. With `check` it only
# fails unless every workload has the annotation.
# usage: restart-workloads KUBECONFIG VALUE tokens|keep|check
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s -n kube-system "$@"; }
kubeconfig=$1 value=$2 what=$3
workloads=$(kube get daemonsets,deployments,statefulsets -o name) || exit 1
if [ "$what" = check ]; then
  for one in $workloads; do
    now=$(kube get "$one" -o 'jsonpath={.spec.template.metadata.annotations.haconsole/ca-rotation}') || exit 1
    [ "$now" = "$value" ] || { echo "$one was not restarted" >&2; exit 1; }
  done
  exit
fi
if [ "$what" = tokens ]; then
  for one in $(kube get secrets --field-selector=type=kubernetes.io/service-account-token -o name); do
    kube delete "$one" || exit 1
  done
fi
for one in $workloads; do
  kube patch "$one" --type=merge \
    -p "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"haconsole/ca-rotation\":\"$value\"}}}}}" || exit 1
done
