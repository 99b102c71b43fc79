#!/bin/sh
# Prints the timeouts and the listening addresses of a haproxy configuration that apply to connections to the API servers.
# usage: haproxy-proxies FILE API_PORT
# prints: "idle PROXY SECONDS SETTING" for each listen section and backend with a server on this port: connections
# without traffic are closed after so long; and "connect PROXY SECONDS SETTING". Without a timeout nothing is printed.
# "bind PROXY ADDRESS" for each address of such a listen section, and of a frontend in front of such a backend.
# In mode tcp, timeout tunnel replaces the two others (haproxy Configuration Manual, timeout tunnel).
[ -r "$1" ] || exit 0
awk -v port="$2" '
  function seconds(text,   number, unit) {
    if (text !~ /^[0-9]+(us|ms|s|m|h|d)?$/) return -1
    number = text + 0; unit = text; sub(/^[0-9]+/, "", unit)
    if (unit == "us") return number / 1000000
    if (unit == "s") return number
    if (unit == "m") return number * 60
    if (unit == "h") return number * 3600
    if (unit == "d") return number * 86400
    return number / 1000
  }
  function own(place, key) { return (place, key) in value ? value[place, key] : "" }
  function show(what, title, setting, text) {
    if (seconds(text) > 0) printf "%s %s %.3f timeout %s %s\n", what, title, seconds(text), setting, text
  }
  function add_binds(place, list,   i, each) {
    split(list, each, ",")
    for (i = 1; i in each; i++) binds[place] = binds[place] " " each[i]
  }
  function show_binds(place,   i, each) {
    split(binds[place], each, " ")
    for (i = 1; i in each; i++) print "bind", name[place], each[i]
  }
  function show_idle(title, client, server) {
    if (seconds(client) > 0 && (seconds(server) <= 0 || seconds(client) < seconds(server)))
      show("idle", title, "client", client)
    else show("idle", title, "server", server)
  }
  { gsub(/\r/, ""); sub(/^[ \t]+/, "") }
  /^#/ || $0 == "" { next }
  $1 == "defaults" {
    proxy = "defaults" ++sections
    named[$2] = proxy
    last = proxy; is_proxy = 0
    next
  }
  $1 == "listen" || $1 == "frontend" || $1 == "backend" {
    proxy = $1 " " $2; kind[proxy] = $1; name[proxy] = $2; is_proxy = 1
    origin = last
    for (i = 3; i < NF; i++) if ($i == "from") origin = named[$(i + 1)]
    for (i = 1; i <= count; i++) if ((origin, keys[i]) in value) value[proxy, keys[i]] = value[origin, keys[i]]
    order[++proxies] = proxy
    if ($1 != "backend" && $3 ~ /:[0-9]/) add_binds(proxy, $3)
    next
  }
  $1 ~ /^(global|userlist|peers|resolvers|cache|program|mailers|ring|http-errors|crt-store|fcgi-app|log-forward|traces)$/ {
    proxy = ""; next
  }
  proxy == "" { next }
  $1 == "timeout" && $2 ~ /^(client|server|connect|tunnel)$/ || $1 == "mode" {
    key = $1 == "mode" ? "mode" : $2
    if (!(key in known)) { known[key] = 1; keys[++count] = key }
    value[proxy, key] = $1 == "mode" ? $2 : $3
    next
  }
  is_proxy && $1 == "bind" { add_binds(proxy, $2); next }
  is_proxy && $1 ~ /^server(-template)?$/ {
    address = $1 == "server" ? $3 : $4
    if (address ~ ":" port "$") leads[proxy] = 1
    next
  }
  is_proxy && $1 ~ /^(default|use)_backend$/ { front["backend " $2] = front["backend " $2] " " proxies }
  END {
    for (i = 1; i <= proxies; i++) {
      proxy = order[i]
      if (!(proxy in leads)) continue
      if (kind[proxy] == "listen") show_binds(proxy)
      fronts = split(front[proxy], each, " ")
      for (j = 1; j <= fronts; j++) show_binds(order[each[j]])
      show("connect", name[proxy], "connect", own(proxy, "connect"))
      if (own(proxy, "mode") != "http" && seconds(own(proxy, "tunnel")) > 0) {
        show("idle", name[proxy], "tunnel", own(proxy, "tunnel"))
        continue
      }
      if (kind[proxy] == "listen") { show_idle(name[proxy], own(proxy, "client"), own(proxy, "server")); continue }
      if (split(front[proxy], each, " ") == 0) show_idle(name[proxy], "", own(proxy, "server"))
      for (j in each) show_idle(name[proxy], own(order[each[j]], "client"), own(proxy, "server"))
    }
  }
' "$1"
:
