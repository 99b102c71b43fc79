#!/bin/sh
# Deletes the nftables rules that drop or reject exactly one port, or VRRP; a rule of several ports is not changed.
# usage: delete-drop-rules MODE PORT RECORD
# MODE is check (fails where there is no such rule), gone (fails where there is one), delete, or restore
# PORT is a number, or vrrp. The deleted rules are kept in the file RECORD, from which restore inserts them again.
mode=$1 port=$2 record=$3
rules() {
  nft -a list ruleset | awk -v port="$port" '
    $1 == "table" { family = $2; table = $3; next }
    $1 == "chain" { chain = $2; next }
    / # handle [0-9]+$/ && (/ drop / || / reject /) {
      handle = $NF
      sub(/ # handle [0-9]+$/, ""); sub(/^[ \t]+/, "")
      text = " " $0 " "
      gsub(/ counter packets [0-9]+ bytes [0-9]+/, " counter", text)
      if (port == "vrrp") hit = text ~ / (ip protocol|meta l4proto) (vrrp|112) /
      else hit = text ~ " (tcp|udp) dport " port " "
      if (hit) print handle, family, table, chain text
    }'
}
command -v nft >/dev/null || { echo "nft is not installed here: compare the rules of iptables -S by hand" >&2; exit 1; }
case $mode in
  check) [ -n "$(rules)" ] || { echo "no nftables rule of this host drops only this port" >&2; exit 1; } ;;
  gone) [ -z "$(rules)" ] ;;
  delete)
    mkdir -p -- "${record%/*}"
    # A repeated command adds to its record; the record of an earlier run is not restored by this run's undo.
    [ ! -e "$record" ] || [ -z "$(find "$record" -mmin +15)" ] || mv -T -- "$record" "$record.earlier"
    rules | while read -r handle family table chain text; do
      printf '%s %s %s %s\n' "$family" "$table" "$chain" "$text" | tee -a -- "$record"
      nft delete rule "$family" "$table" "$chain" handle "$handle"
    done
    ;;
  restore)
    [ -e "$record" ] || exit 0
    sed 's/^/insert rule /' "$record" | nft -f -
    mv -T -- "$record" "$record.restored"
    ;;
esac
