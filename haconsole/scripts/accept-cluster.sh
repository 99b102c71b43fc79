#!/bin/sh
# Accepts the cluster's own hosts on a port, or VRRP, in each nftables chain that drops or rejects it: by a rule that
# names it, or because the chain accepts only what its rules name. No rule is deleted.
# usage: accept-cluster MODE PORT ADDRESS...
# MODE is blocked (fails where no rule drops it), open (fails while a chain with such a rule lacks ours), accepted (fails
# also where no rule is ours), accept, undo, or undone (fails while one of our rules is there)
# PORT is a number, or vrrp. The ADDRESSes are those of the hosts; files are not changed.
mode=$1 port=$2; shift 2
mark="haconsole: cluster $port"
chains() {
  nft list ruleset | awk -v port="$port" -v mark="\"$mark\"" '
    $1 == "table" { family = $2; table = $3; next }
    $1 == "chain" { chain = family " " table " " $2; next }
    index($0, mark) { known[chain] = 1; next }
    {
      text = " " $0 " "; gsub(/[ \t]+/, " ", text)
      if (text ~ / hook input .* policy drop;/) closed[chain] = 1
      if (text ~ / hook input /) input[chain] = 1
      if (text !~ / (drop|reject|accept) /) next
      if (port == "vrrp") hit = text ~ / (ip protocol|meta l4proto) ([{] ([-0-9a-z, ]* )?)?(vrrp|112)[, ]/
      else hit = text ~ (" (tcp|th) dport ([{] ([-0-9, ]* )?)?" port "[, ]")
      if (text ~ / accept / && (hit || text ~ / (ip|ip6) saddr [^ ]+ (counter [a-z0-9 ]*)?accept /)) accepting[chain] = 1
      else if (text !~ / accept / && hit) dropping[chain] = 1
      else if (text ~ /^ (counter packets [0-9]+ bytes [0-9]+ )?(drop|reject)/ && chain in input) closed[chain] = 1
    }
    END {
      for (chain in closed) if (!(chain in accepting)) dropping[chain] = 1
      for (chain in dropping) print chain, (chain in known) ? "known" : "new"
    }'
}
accept() {
  case $port in vrrp) match='meta l4proto 112' ;; *) match="tcp dport $port" ;; esac
  for kind in ip ip6; do
    case $kind:$1 in ip:inet | ip:ip | ip6:inet | ip6:ip6) ;; *) continue ;; esac
    if [ $kind = ip ]; then from=$v4; else from=$v6; fi
    [ -z "$from" ] || printf 'insert rule %s %s %s %s saddr { %s } %s accept comment "%s"\n' "$1" "$2" "$3" $kind "$from" "$match" "$mark"
  done
}
command -v nft >/dev/null || { echo "nft is not installed here: compare the rules of iptables -S by hand" >&2; exit 1; }
case $mode in
  blocked) chains | grep -q . || { echo "no nftables rule of this host drops it" >&2; exit 1; } ;;
  open) ! chains | grep -q ' new$' ;;
  accepted) nft list ruleset | grep -qF "\"$mark\"" && ! chains | grep -q ' new$' ;;
  accept)
    v4='' v6=''
    for address in "$@"; do
      case $address in *:*) v6="$v6${v6:+, }$address" ;; *) v4="$v4${v4:+, }$address" ;; esac
    done
    chains | while read -r family table chain state; do
      [ "$state" = known ] || accept "$family" "$table" "$chain"
    done | tee /dev/stderr | nft -f -
    ;;
  undone) ! nft list ruleset | grep -qF "\"$mark\"" ;;
  undo)
    nft -a list ruleset | awk -v mark="\"$mark\"" '
      $1 == "table" { family = $2; table = $3; next }
      $1 == "chain" { chain = $2; next }
      index($0, mark) { print "delete rule", family, table, chain, "handle", $NF }' | nft -f -
    ;;
esac
