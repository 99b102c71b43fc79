#!/bin/sh
# Gives VIPs up by the down file: new connections are held off, open ones end, then the file is written.
# usage: vip-give-up PORT DOWN_FILE LINE ADDRESS... (PORT is haproxy's)
ended() { let_in; }
# uses lib/let-vip-go
