#!/bin/sh
# Removes the rules that firewall-open added.
# usage: firewall-close TOOL PORT...
tool=$1; shift
conf=${HACONSOLE_ETC:-/etc}/nftables.conf
case $tool in
  firewalld)
    for port in "$@"; do
      case $port in vrrp) rule="--remove-rich-rule=rule protocol value=\"vrrp\" accept" ;; *) rule=--remove-port=$port ;; esac
      firewall-cmd --quiet "$rule"; firewall-cmd --quiet --permanent "$rule"
    done
    ;;
  ufw)
    for port in "$@"; do
      case $port in
        vrrp) ufw delete allow in proto vrrp from any to any ;;
        *) ufw delete allow "$(printf %s "$port" | tr - :)" ;;
      esac
    done
    ;;
  nftables)
    nft -a list ruleset | awk '$1 == "table" { family = $2; table = $3 } $1 == "chain" { chain = $2 }
      /comment "haconsole"/ { print "delete rule", family, table, chain, "handle", $NF }' | nft -f -
    cp -p -- "$conf" "$conf.haconsole"
    sed '/^# haconsole: begin$/,/^# haconsole: end$/d' "$conf" >"$conf.haconsole"
    sync -- "$conf.haconsole"; mv -T -- "$conf.haconsole" "$conf"
    ;;
esac
