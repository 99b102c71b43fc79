#!/bin/sh
# Prints the platform of this host: system, packages, programs, runtime, swap, kernel settings, firewall and clock.
# usage: platform [PACKAGE]... -- [PROGRAM]... -- [MODULE]... -- [SYSCTL]...
# prints: lines of a key and values; an unknown or missing value is `-`, and a missing program has no line
# shellcheck disable=SC2086 # packages are one word each
PATH=$PATH:/usr/local/bin:/usr/bin:/usr/sbin:/sbin
root=${HACONSOLE_ROOT:-}
has() { command -v "$1" >/dev/null 2>&1; }
active() { systemctl is-active --quiet "$1" 2>/dev/null; }
(
  ID='' VERSION_ID='' PRETTY_NAME=''
  # shellcheck source=/dev/null
  [ ! -r "$root/etc/os-release" ] || . "$root/etc/os-release"
  printf 'os %s\nversion %s\nname %s\n' "${ID:--}" "${VERSION_ID:--}" "${PRETTY_NAME:--}"
)
if has apt-get; then tool=apt; elif has dnf; then tool=dnf; elif has yum; then tool=yum; else tool=none; fi
echo "tool $tool"
if has systemd-detect-virt && systemd-detect-virt --quiet --container; then echo 'container yes'; fi
packages='' programs='' modules='' settings=''
for kind in packages programs modules; do
  words=
  while [ "${1:---}" != -- ]; do words="$words $1"; shift; done
  [ $# -eq 0 ] || shift
  case $kind in packages) packages=$words ;; programs) programs=$words ;; modules) modules=$words ;; esac
done
settings=$*
case $tool in
  apt)
    if [ -n "$(find "$root/var/lib/apt/lists" -name '*_Packages*' 2>/dev/null | head -n 1)" ]; then echo 'lists yes'; fi
    held=" $(apt-mark showhold 2>/dev/null | tr '\n' ' ')"
    { [ -z "$packages" ] || apt-cache policy $packages 2>/dev/null; } | while read -r key value _; do
      case $key in
        Installed:) installed=$value ;;
        Candidate:)
          [ "$installed" != '(none)' ] || installed=-
          [ "$value" != '(none)' ] || value=-
          case $held in *" $name "*) hold=held ;; *) hold=- ;; esac
          echo "package $name $installed $value $hold"
          ;;
        *:) name=${key%:} ;;
      esac
    done
    ;;
  dnf | yum)
    locked=$({ cat "$root/etc/dnf/plugins/versionlock.list" "$root/etc/yum/pluginconf.d/versionlock.list"
      sed -n 's/^exclude\(pkgs\)\{0,1\} *=//p' "$root/etc/dnf/dnf.conf" "$root/etc/yum.conf"; } 2>/dev/null | tr ',' ' ')
    for name in $packages; do
      installed=$(rpm -q --qf '%{VERSION}-%{RELEASE}' "$name" 2>/dev/null) || installed=-
      case " $(printf %s "$locked" | tr '\n' ' ') " in *[\ :]"$name "* | *[\ :]"$name-"[0-9]*) hold=held ;; *) hold=- ;; esac
      echo "package $name $installed - $hold"
    done
    ;;
esac
for name in $programs; do
  path=$(command -v "$name" 2>/dev/null) || continue
  case ${name##*/} in
    kubeadm) version=$("$path" version --output short 2>/dev/null) ;;
    kubelet | kube-* | etcd | containerd) version=$("$path" --version 2>/dev/null) ;;
    haproxy | keepalived) version=$("$path" -v 2>&1) ;;
    *) version= ;;
  esac
  version=$(printf %s "$version" | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1)
  echo "program ${name##*/} $path ${version:--}"
done
for path in /run/containerd/containerd.sock /run/crio/crio.sock /run/cri-dockerd.sock; do
  [ ! -S "$root$path" ] || echo "socket $path"
done
if has containerd; then
  echo 'runtime containerd'
  config=$root/etc/containerd/config.toml
  if [ -s "$config" ]; then
    echo 'configured yes'
    ! grep -qs '^[[:space:]]*disabled_plugins[[:space:]]*=.*"\(io\.containerd\.grpc\.v1\.\)\{0,1\}cri"' "$config" || echo 'cri disabled'
  fi
  containerd config dump 2>/dev/null | sed -n \
    -e "s/^ *SystemdCgroup = true.*/cgroup systemd/p" -e "s/^ *SystemdCgroup = false.*/cgroup cgroupfs/p" \
    -e "s/^ *sandbox\(_image\)\{0,1\} = [\"']\([^\"']*\)[\"'].*/sandbox \2/p" \
    -e "s/^ *bin_dirs\{0,1\} = \[\{0,1\}[\"']\(\/[^\"']*cni[^\"']*\)[\"'].*/cni-folder \1/p"
fi
for folder in /opt/cni/bin /usr/lib/cni /usr/libexec/cni; do
  if [ -x "$root$folder/loopback" ]; then echo "cni-plugins $folder"; break; fi
done
line=0
[ ! -r "$root/proc/swaps" ] || while read -r device _; do line=$((line + 1)); [ "$line" -eq 1 ] || echo "swap $device"; done <"$root/proc/swaps"
[ ! -r "$root/etc/fstab" ] || while read -r device point kind rest; do
  case $device in '#'*) ;; *) [ "$kind" != swap ] || echo "swap-line $device $point $kind $rest" ;; esac
done <"$root/etc/fstab"
systemctl list-units --type=swap --all --plain --no-legend 2>/dev/null | while read -r unit _ ; do echo "swap-unit $unit"; done
for name in $modules; do
  if [ -d "$root/sys/module/$name" ]; then echo "module $name"; continue; fi
  ! grep -qs "/$name\.ko" "$root/lib/modules/$(uname -r)/modules.builtin" || echo "module $name"
done
for name in $settings; do
  value=$(cat -- "$root/proc/sys/$(printf %s "$name" | tr . /)" 2>/dev/null) || continue
  echo "sysctl $name $value"
done
if has getenforce; then echo "selinux $(getenforce | tr '[:upper:]' '[:lower:]')"; fi
if has firewall-cmd && active firewalld; then
  echo 'firewall firewalld'
  for port in $(firewall-cmd --list-ports 2>/dev/null); do echo "open $port"; done
  ! firewall-cmd --list-rich-rules 2>/dev/null | grep -q 'protocol value="\(vrrp\|112\)"' || echo 'open vrrp'
elif has ufw && ufw status 2>/dev/null | grep -q '^Status: active'; then
  echo 'firewall ufw'
  ufw status 2>/dev/null | awk '/ALLOW/ { gsub(":", "-", $1); if ($1 ~ /^[0-9-]+\/(tcp|udp)$/) print "open " $1; else if ($1 ~ /^[0-9-]+$/) print "open " $1 "/tcp" }'
elif has nft && nft list chains 2>/dev/null | grep -q 'hook input .*policy drop'; then
  echo 'firewall nftables'
  nft list ruleset 2>/dev/null | awk '/ accept/ && match($0, /tcp dport ([{][^}]*[}]|[0-9-]+)/) {
    text = substr($0, RSTART + 10, RLENGTH - 10); gsub(/[{}, ]+/, " ", text); n = split(text, ports, " ")
    for (i = 1; i <= n; i++) print "open " ports[i] "/tcp" } / accept/ && /(protocol|l4proto|nexthdr) (vrrp|112)/ { print "open vrrp" }'
elif has iptables && iptables -S INPUT 2>/dev/null | grep -q '^-P INPUT DROP'; then
  echo 'firewall iptables'
fi
for unit in chronyd chrony systemd-timesyncd ntpd ntpsec ntp; do
  if active "$unit"; then echo "time $unit"; break; fi
done
! systemctl is-enabled --quiet kubelet 2>/dev/null || echo 'kubelet enabled'
:
