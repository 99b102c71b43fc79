#!/bin/sh
# run_kubeadm DATA_DIR ARGUMENT... runs kubeadm; the last line of its errors is the one that names the problem. A data
# directory on a file system of its own with nothing but kept data of an earlier member is as good as an empty one.
# kubelet that has just started may know no disk yet, reject a static pod for that, and never try it again. Then it is
# restarted. A sleep outlives the killed loop, so it must not keep the output open, for whose end the caller waits.
restart_rejecting_kubelet() {
  while sleep 2 >/dev/null 2>&1; do
    if journalctl -q -u kubelet --since "-6s" -o cat 2>/dev/null | grep -q 'Failed to admit pod .*ephemeral-storage'; then
      echo "kubelet rejected a static pod, as it knew no disk yet: restarting it"
      systemctl restart kubelet
      sleep 6 >/dev/null 2>&1
    fi
  done
}
run_kubeadm() {
  PATH=$PATH:/usr/bin:/usr/local/bin
  data=$1; shift
  [ -n "$data" ] || data=/nonexistent  # etcd is not kubeadm's
  others=$(find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.member.*' 2>/dev/null) || :
  if mountpoint -q -- "$data" && [ -z "$others" ]; then
    set -- "$@" "--ignore-preflight-errors=DirAvailable-$(printf %s "$data" | tr / -)"
  fi
  restart_rejecting_kubelet & watcher=$!
  status=0
  { errors=$(kubeadm "$@" 2>&1 >&3 3>&-) || status=$?; } 3>&1
  kill "$watcher" 2>/dev/null || :
  # newer releases end with a line that only repeats that preflight failed
  printf '%s\n' "$errors" | sed -e '/^To see the stack trace/d' -e '/^\[preflight\] If you know what/d' \
    -e '/^error: error execution phase preflight: preflight checks failed$/d' >&2
  return "$status"
}
