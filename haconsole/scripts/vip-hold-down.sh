#!/bin/sh
# Writes the down file, which keepalived's check heeds.
# usage: vip-hold-down DOWN_FILE LINE
file=$1 line=$2
# uses lib/put-down-file
