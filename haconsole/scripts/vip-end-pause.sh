#!/bin/sh
# Ends the pause that vip-pause began.
# usage: vip-end-pause
PATH=$PATH:/usr/sbin:/sbin
! command -v nft >/dev/null || nft delete table inet haconsole_pause 2>/dev/null || :
