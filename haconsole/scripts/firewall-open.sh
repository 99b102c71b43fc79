#!/bin/sh
# Opens ports in the active firewall, now and after a reboot; other rules are not changed.
# usage: firewall-open TOOL PORT...
# TOOL is firewalld, ufw or nftables; a PORT is like 6443/tcp, 30000-32767/tcp, or vrrp
tool=$1; shift
conf=${HACONSOLE_ETC:-/etc}/nftables.conf
chains() {
  nft list chains | awk '$1 == "table" { family = $2; table = $3 } $1 == "chain" { chain = $2 }
    /hook input / && /policy drop/ { print family, table, chain }'
}
rules() {
  for port in "$@"; do
    case $port in vrrp) match='meta l4proto 112' ;; *) match="${port#*/} dport ${port%/*}" ;; esac
    chains | while read -r family table chain; do
      printf 'insert rule %s %s %s %s accept comment "haconsole"\n' "$family" "$table" "$chain" "$match"
    done
  done
}
case $tool in
  firewalld)
    for port in "$@"; do
      case $port in vrrp) rule="--add-rich-rule=rule protocol value=\"vrrp\" accept" ;; *) rule=--add-port=$port ;; esac
      firewall-cmd --quiet "$rule"; firewall-cmd --quiet --permanent "$rule"
    done
    ;;
  ufw)
    for port in "$@"; do
      case $port in
        vrrp) ufw allow in proto vrrp from any to any comment haconsole ;;
        *) ufw allow "$(printf %s "$port" | tr - :)" comment haconsole ;;
      esac
    done
    ;;
  nftables)
    text=$(rules "$@")
    printf '%s\n' "$text" | nft -f -
    [ -e "$conf" ] || { echo "$conf is missing: the rules end at the next reboot" >&2; exit 1; }
    cp -p -- "$conf" "$conf.haconsole"
    { sed '/^# haconsole: begin$/,/^# haconsole: end$/d' "$conf"; printf '# haconsole: begin\n%s\n# haconsole: end\n' "$text"; } >"$conf.haconsole"
    sync -- "$conf.haconsole"; mv -T -- "$conf.haconsole" "$conf"
    ;;
esac
