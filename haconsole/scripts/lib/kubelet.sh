#!/bin/sh
# Functions that find kubelet's settings: those of its process, or of its unit while it does not run.
# Flags and configuration are read once, where this file is inserted; the functions start no process.
read_kubelet_words() {
  for process in $(pidof kubelet); do
    tr '\0' '\n' <"/proc/$process/cmdline" 2>/dev/null |
      sed -n -e ':a' -e '$!{N;ba' -e '}' -e 's/\n\(--*[a-z-]*\)\n\([^-]\)/\n\1=\2/g' -e p
    return
  done
  { timeout 3 systemctl show -p Environment --value kubelet.service
    cat /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/sysconfig/kubelet
  } 2>/dev/null | sed 's/[ "]/\n/g' | grep -e '^--' -e '=--' | sed 's/^[A-Z_]*=--/--/'
}
read_kubelet_settings() { # also from JSON; files of --config-dir follow in order and override
  folder=$(kubelet_flag config-dir)
  set -- "$(kubelet_config)"
  [ -z "$folder" ] || while IFS= read -r file; do set -- "$@" "$file"; done <<FILES
$(find "$folder" -name '*.conf' 2>/dev/null | sort)
FILES
  names='cgroupDriver\|containerRuntimeEndpoint\|failSwapOn\|rotateCertificates\|staticPodPath'
  sed -n "s/^[ \t{]*[\"']\{0,1\}\($names\)[\"']\{0,1\}: *[\"']\{0,1\}\([^\"',} ]*\).*/--\1=\2/p" "$@" 2>/dev/null || :
}
last_value() { # NAME WORDS prints the value of the last of the words that is --NAME=VALUE
  value=
  while IFS= read -r word; do
    case $word in --"$1"=* | -"$1"=*) value=${word#*=} ;; esac
  done <<WORDS
$2
WORDS
  printf '%s\n' "$value"
}
kubelet_flag() { last_value "$1" "$kubelet_words"; }
kubelet_config() { file=$(kubelet_flag config); printf '%s\n' "${file:-/var/lib/kubelet/config.yaml}"; }
kubelet_setting() { last_value "$1" "$kubelet_settings"; }
static_pod_folder() {
  path=$(kubelet_flag pod-manifest-path)
  [ -n "$path" ] || path=$(kubelet_setting staticPodPath)
  printf '%s\n' "${path:-/etc/kubernetes/manifests}"
}
kubelet_words=$(read_kubelet_words)
kubelet_settings=$(read_kubelet_settings)
