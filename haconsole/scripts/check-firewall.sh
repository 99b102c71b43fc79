#!/bin/sh
# Fails unless the firewall lets packets to these ports in; prints the ports that are closed.
# usage: check-firewall TOOL PORT...
tool=$1; shift
case $tool in
  firewalld) rules=$(firewall-cmd --list-ports; firewall-cmd --list-rich-rules) ;;
  ufw) rules=$(ufw status) ;;
  nftables) rules=$(nft list ruleset) ;;
esac
failed=0
for port in "$@"; do
  case $tool:$port in
    firewalld:vrrp) pattern='protocol value="(vrrp|112)"' ;;
    ufw:vrrp) pattern='vrrp' ;;
    nftables:vrrp) pattern='(l4proto|protocol) (112|vrrp)' ;;
    firewalld:*) pattern="(^| )$port( |$)" ;;
    ufw:*) pattern="^$(printf %s "$port" | tr - :) " ;;
    nftables:*) pattern="${port#*/} dport ([{][^}]*[ ,{])?${port%/*}[ ,}].*accept" ;;
  esac
  printf '%s\n' "$rules" | grep -Eq "$pattern" || { echo "$port is closed in $tool" >&2; failed=1; }
done
exit "$failed"
