#!/bin/sh
# drop TABLE DURATION MATCH ADDRESS... drops packets to the addresses. The rule ends after DURATION whatever becomes
# of the script.
PATH=$PATH:/usr/sbin:/sbin
drop() {
  table=$1 lasts=$2 what=$3; shift 3
  {
    cat <<END
table inet $table
delete table inet $table
table inet $table {
  set v4 { type ipv4_addr; flags timeout; }
  set v6 { type ipv6_addr; flags timeout; }
  chain input {
    type filter hook input priority -10;
    $what ip daddr @v4 drop
    $what ip6 daddr @v6 drop
  }
}
END
    for vip in "$@"; do
      case $vip in *:*) family=v6 ;; *) family=v4 ;; esac
      echo "add element inet $table $family { $vip timeout $lasts }"
    done
  } | nft -f -
}
