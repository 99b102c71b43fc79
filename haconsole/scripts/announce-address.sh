#!/bin/sh
# Sends gratuitous ARP for an address of this host, so that neighbours replace an old MAC address in their tables.
# usage: announce-address ADDRESS
# arping of iputils is on hosts of the RHEL family, perl on those of the Debian family.
# Neighbours ignore an entry's second change within a second, so the announcement is repeated.
set -e
line=$(ip -o -4 address show to "$1/32")
[ -n "$line" ] || { echo "$1 is not on this host" >&2; exit 1; }
link=${line#*: }
link=${link%% *}
link=${link%%@*}
if arping -V 2>/dev/null | grep -q iputils; then
  arping -q -U -c 4 -w 5 -I "$link" "$1" || :
  arping -q -A -c 2 -w 3 -I "$link" "$1" || :
  exit 0
fi
command -v perl >/dev/null || { echo "neither arping (iputils) nor perl is installed here" >&2; exit 1; }
read -r index <"/sys/class/net/$link/ifindex"
read -r hardware <"/sys/class/net/$link/address"
perl - "$1" "$index" "$hardware" <<'END'
use strict;
my ($address, $index, $hardware) = @ARGV;
my ($own, $ip) = (pack("H12", $hardware =~ tr/://dr), pack("C4", split(/\./, $address)));
my ($arp, $everyone) = (0x0806, "\xff" x 6);
socket(my $socket, 17, 3, unpack("S", pack("n", $arp))) or die "no packet socket: $!\n";
my $to = pack("S n l S C C a8", 17, $arp, $index, 1, 0, 6, $everyone);
for my $round (1 .. 4) {
    for my $kind (1, 2) {
        my $frame = $everyone . $own . pack("n n n C C n", $arp, 1, 0x0800, 6, 4, $kind) . $own . $ip . $everyone . $ip;
        send($socket, $frame, 0, $to) or die "not sent: $!\n";
    }
    select(undef, undef, undef, 0.7) if $round < 4;
}
END
