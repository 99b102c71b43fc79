#!/bin/sh
# Has tokens in Secrets signed with the current key, and restarts the workloads, which load the CA and their tokens at
# their start. An annotation of kube-system notes from when on new pods have the new credentials.
# With `check` it only fails unless all of it is done and, unless `ignore` is the scope, the new pods are available.
# usage: renew-workloads KUBECONFIG MARK CA_FILE PRIVATE_KEY|- kube-system|all|ignore renew|check
# MARK and the first certificate of CA_FILE identify the rotation. Without a private key Secrets stay unchanged.
kube() { kubectl --kubeconfig="$kubeconfig" --request-timeout=30s "$@"; }
# uses lib/token-secrets
# uses lib/workloads
kubeconfig=$1 key=$4 what=$6
scope=$(scope_of "$5")
umask 077; work=$(mktemp -d); trap 'rm -rf -- "$work"' EXIT
mark=$2-$(ca_id "$3")
id=; [ "$key" = - ] || id=$(key_id "$key")
workloads "$5" >"$work/workloads" || exit 1
noted=$(kube get namespace kube-system -o 'jsonpath={.metadata.annotations.haconsole/ca-rotation}') || exit 1
if [ "$what" = check ]; then
  left=; [ -z "$id" ] || left=$(other_tokens "$id" "$scope") || exit 1
  [ -z "$left" ] || { echo "tokens of the previous key are in the Secrets: $left" >&2; exit 1; }
  case $noted in "$mark "*) ;; *) echo "the workloads were not restarted" >&2; exit 1 ;; esac
  while IFS='|' read -r namespace name now strategy; do
    [ "$now" = "$mark" ] || { echo "$namespace $name was not restarted" >&2; exit 1; }
    [ "$5" = ignore ] || is_available "$namespace" "$name" "$strategy" 5 >&2 || exit 1
  done <"$work/workloads"
  exit
fi
[ -z "$id" ] || renew_tokens "$id" "$scope"
case $noted in
  "$mark "*) ;;
  *) kube annotate namespace kube-system --overwrite "haconsole/ca-rotation=$mark $(date -u +%Y-%m-%dT%H:%M:%SZ)" || exit 1 ;;
esac
while IFS='|' read -r namespace name now strategy; do
  [ "$now" != "$mark" ] || continue
  kube patch -n "$namespace" "$name" --type=merge </dev/null \
    -p "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"haconsole/ca-rotation\":\"$mark\"}}}}}" || exit 1
done <"$work/workloads"
