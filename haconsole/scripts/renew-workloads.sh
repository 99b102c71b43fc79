#!/bin/sh
# Has tokens in Secrets signed with the current key, and restarts the workloads, which load the CA and their tokens at
# their start. An annotation of kube-system notes from when on new pods have the new credentials.
# With `check` it only fails unless all of it is done and the new pods are available.
# usage: renew-workloads KUBECONFIG MARK CA_FILE PRIVATE_KEY|- kube-system|all renew|check
# MARK and the first certificate of CA_FILE identify the rotation. Without a private key Secrets stay unchanged.
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s "$@"; }
# uses lib/token-secrets
kubeconfig=$1 key=$4 scope=-nkube-system what=$6
[ "$5" != all ] || scope=-A
umask 077; work=$(mktemp -d); trap 'rm -rf -- "$work"' EXIT
mark=$2-$(ca_id "$3")
id=; [ "$key" = - ] || id=$(key_id "$key")
stale() { [ -z "$id" ] || other_tokens "$id" "$scope"; }
kube get daemonsets,deployments,statefulsets "$scope" -o \
  'jsonpath={range .items[*]}{.metadata.namespace}|{.kind}/{.metadata.name}|{.spec.template.metadata.annotations.haconsole/ca-rotation}|{.spec.updateStrategy.type}{"\n"}{end}' \
  >"$work/workloads" || exit 1
noted=$(kube get namespace kube-system -o 'jsonpath={.metadata.annotations.haconsole/ca-rotation}') || exit 1
if [ "$what" = check ]; then
  left=$(stale) || exit 1
  [ -z "$left" ] || { echo "tokens of the previous key are in the Secrets: $left" >&2; exit 1; }
  case $noted in "$mark "*) ;; *) echo "the workloads were not restarted" >&2; exit 1 ;; esac
  while IFS='|' read -r namespace name now strategy; do
    [ "$now" = "$mark" ] || { echo "$namespace $name was not restarted" >&2; exit 1; }
    [ "$strategy" = OnDelete ] || kube rollout status -n "$namespace" "$name" --timeout=5s >&2 </dev/null || exit 1
  done <"$work/workloads"
  exit
fi
stale >"$work/stale" || exit 1
while read -r namespace name; do
  kube patch secret -n "$namespace" "$name" --type=merge -p '{"data":{"token":null}}' </dev/null || exit 1
done <"$work/stale"
end=$(($(date +%s) + 60))
while left=$(stale) || exit 1; [ -n "$left" ]; do
  [ "$(date +%s)" -lt "$end" ] || { echo "kube-controller-manager has not signed these tokens: $left" >&2; exit 1; }
  sleep 1
done
case $noted in
  "$mark "*) ;;
  *) kube annotate namespace kube-system --overwrite "haconsole/ca-rotation=$mark $(date -u +%Y-%m-%dT%H:%M:%SZ)" || exit 1 ;;
esac
while IFS='|' read -r namespace name now strategy; do
  [ "$now" != "$mark" ] || continue
  kube patch -n "$namespace" "$name" --type=merge </dev/null \
    -p "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"haconsole/ca-rotation\":\"$mark\"}}}}}" || exit 1
done <"$work/workloads"
