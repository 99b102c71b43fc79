#!/bin/sh
# Applies a manifest as the cluster's administrator.
# usage: kubectl-apply CONFIG_DIR FILE
PATH=$PATH:/usr/bin:/usr/local/bin
command -v kubectl >/dev/null || { echo "kubectl is not installed: install it, or apply $2 yourself" >&2; exit 1; }
exec kubectl --kubeconfig="$1/admin.conf" apply -f "$2"
