#!/bin/sh
# Connects to ADDRESS:PORT ten times a second and prints how many connections were made and lost.
# usage: measure-connections ADDRESS PORT SECONDS
# shellcheck disable=SC2016  # the inner bash expands it
end=$(($(date +%s%N) + $3 * 1000000000)) asked=0 lost=0 waited=0 longest=0
while now=$(date +%s%N); [ "$now" -lt "$end" ]; do
  asked=$((asked + 1))
  made=yes
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null || { lost=$((lost + 1)) made=; }
  waited=$((waited + ($(date +%s%N) - now) / 1000000))
  [ "$waited" -le "$longest" ] || longest=$waited
  [ -z "$made" ] || waited=0
  sleep 0.1
done
echo "$1 port $2: $asked connections made from here, $lost lost, longest wait $longest ms"
