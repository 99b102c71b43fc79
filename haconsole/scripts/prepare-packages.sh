#!/bin/sh
# Installs packages without a start of their services, and records the packages and enabled units that are new.
# A package that is installed already is installed again: some of its programs are gone.
# usage: prepare-packages TOOL RECORD UPDATE FOLDER PACKAGE...
# TOOL is apt, dnf or yum; UPDATE is `yes` to read the repositories first; FOLDER holds package files, or is `-`
# shellcheck disable=SC2016,SC2086 # dpkg-query expands the format; lists are words without blanks
PATH=$PATH:/usr/sbin:/sbin
tool=$1 record=$2 update=$3 folder=$4; shift 4
policy=${HACONSOLE_ROOT:-}/usr/sbin/policy-rc.d
installed() {
  case $tool in
    apt) dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^.i[^ ]* *//p' ;;
    *) rpm -qa --qf '%{NAME}\n' ;;
  esac | sort -u
}
enabled() { systemctl list-unit-files --state=enabled --no-legend --plain 2>/dev/null | cut -d' ' -f1 | grep '\.service$' | sort -u; }
mkdir -p -- "${record%/*}"
[ -e "$record.before" ] || { installed >"$record.before.new"; enabled >"$record.units"; mv -- "$record.before.new" "$record.before"; }
finish() {
  if grep -qs '^# haconsole' "$policy"; then rm -f -- "$policy"; fi
  new=$(installed | comm -13 "$record.before" -)
  [ -z "$new" ] || printf '%s\n' "$new" >>"$record"
  for unit in $(enabled | comm -13 "$record.units" -); do systemctl disable --quiet -- "$unit"; done
  rm -f -- "$record.before" "$record.units"
}
trap finish EXIT; trap 'exit 143' HUP INT TERM
files='' broken='' again=''
there=" $(installed | tr '\n' ' ') "
for name in "$@"; do
  case $there in *" ${name%%=*} "*) broken="$broken ${name%%=*}" ;; esac
done
case $tool in
  apt)
    export DEBIAN_FRONTEND=noninteractive
    [ -e "$policy" ] || { printf '#!/bin/sh\n# haconsole: services are started by later steps\nexit 101\n' >"$policy"; chmod 755 "$policy"; }
    [ "$folder" = - ] || files=$(ls -- "$folder"/*.deb)
    [ "$update" = no ] || apt-get -q -o DPkg::Lock::Timeout=120 update || :
    apt-get -qy -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
      --no-install-recommends install $files "$@"
    for file in $files; do
      [ -z "$broken" ] || case "$broken " in *" $(dpkg-deb -f "$file" Package) "*) again="$again $file" ;; esac
    done
    [ -z "$broken" ] || apt-get -qy -o DPkg::Lock::Timeout=120 --reinstall install ${again:-$broken}
    ;;
  *)
    [ "$folder" = - ] || files=$(ls -- "$folder"/*.rpm)
    "$tool" -y --setopt=install_weak_deps=False --disableexcludes=all install $files "$@"
    [ -z "$broken" ] || "$tool" -y --disableexcludes=all reinstall $broken
    ;;
esac
