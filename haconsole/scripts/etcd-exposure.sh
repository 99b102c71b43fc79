#!/bin/sh
# Prints the addresses at which the etcd on this host serves hosts that have no certificate, or serves no other host.
# usage: etcd-exposure
# prints: "exposed client|peer URL" or "exposed local-client|local-peer URL", by the flags and the environment of the
# process; nothing where a configuration file has the settings. etcd requires certificates where it has a CA, or the flag
# for it (etcd.io, Transport security).
# uses lib/of-pod
for pid in $(pidof etcd); do
  [ -r "/proc/$pid/cmdline" ] || continue
  ! of_pod "/proc/$pid" || continue
  { tr '\000' '\n' <"/proc/$pid/cmdline"; echo --; tr '\000' '\n' <"/proc/$pid/environ"; } 2>/dev/null | awk '
    function put(key, text) { if (!(key in value) && text != "") value[key] = text }
    function flush() { if (pending != "") put(pending, "true"); pending = "" }
    function show(kind, urls, prefix,   count, each, i) {
      if (value[prefix "trusted-ca-file"] != "" || value[prefix "client-cert-auth"] ~ /^(true|1|t|T|TRUE|True)$/) return
      count = split(urls, each, ",")
      for (i = 1; i <= count; i++)
        if (each[i] ~ /^https?:\/\// && each[i] !~ /^https?:\/\/(127\.|localhost|\[::1\])/) print "exposed", kind, each[i]
    }
    function show_local(kind, urls, usual,   count, each, i) {
      if (urls == "") urls = usual
      count = split(urls, each, ",")
      for (i = 1; i <= count; i++) if (each[i] !~ /^(https?:\/\/(127\.|localhost|\[::1\])|unix)/) return
      print "exposed", "local-" kind, urls
    }
    NR == 1 { next }
    $0 == "--" { flush(); environment = 1; next }
    environment {
      if ($0 !~ /^ETCD_[A-Z_]+=/) next
      at = index($0, "="); key = tolower(substr($0, 6, at - 6)); gsub(/_/, "-", key)
      put(key, substr($0, at + 1)); next
    }
    /^--?[a-z]/ {
      flush(); sub(/^--?/, ""); at = index($0, "=")
      if (at) put(substr($0, 1, at - 1), substr($0, at + 1)); else pending = $0
      next
    }
    { put(pending, $0); pending = "" }
    END {
      flush()
      if (value["config-file"] != "") exit
      show("client", value["listen-client-urls"], "")
      show("peer", value["listen-peer-urls"], "peer-")
      show_local("client", value["listen-client-urls"], "http://localhost:2379")
      show_local("peer", value["listen-peer-urls"], "http://localhost:2380")
    }'
done
:
