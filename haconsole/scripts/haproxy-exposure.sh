#!/bin/sh
# Prints the statistics pages of a haproxy configuration that other hosts reach and that nobody or anybody can log in to.
# usage: haproxy-exposure FILE
# prints: "exposed open|default ADDRESS PROXY"; default: with a name and password of examples and manuals
# Names and passwords are not printed.
[ -r "$1" ] || exit 0
awk '
  function is_default(pair) {
    return tolower(pair) ~ /^(admin|haproxy|root|stats|user|test|monitor|ha):(admin|haproxy|root|stats|user|test|password|passwd|pass|secret|changeme|123456|1234|12345678|admin123|)$/
  }
  function is_local(address) {
    return address ~ /^(127\.|\[?::1\]?:|localhost:|\/|unix@|abns@|fd@|sockpair@)/
  }
  function end_proxy(   i, state) {
    if (!name || kind == "backend" || kind == "defaults") return
    if (!(page || default_page)) return
    state = guarded || default_guarded ? "" : "open"
    if (pair != "" || (pair == "" && default_pair != "" && !page_auth)) {
      guarded = 1
      state = weak || (pair == "" && default_weak) ? "default" : ""
    }
    if (state == "") return
    for (i = 1; i <= binds; i++) if (!is_local(bind[i])) print "exposed", state, bind[i], name
  }
  function begin(what, title) {
    end_proxy()
    kind = what; name = title; binds = page = page_auth = guarded = weak = 0; pair = ""
  }
  { gsub(/\r/, ""); sub(/^[ \t]+/, "") }
  /^#/ || $0 == "" { next }
  $1 == "listen" || $1 == "frontend" || $1 == "backend" {
    begin($1, $2)
    if ($3 ~ /:[0-9]/) bind[++binds] = $3
    next
  }
  $1 == "defaults" { begin("defaults", "defaults"); default_page = default_guarded = default_weak = 0; default_pair = ""; next }
  $1 ~ /^(global|userlist|peers|resolvers|cache|program|mailers|ring|http-errors|crt-store|fcgi-app)$/ { begin($1, ""); next }
  $1 == "bind" { bind[++binds] = $2; next }
  $1 == "stats" && $2 ~ /^(enable|uri|auth|realm|refresh|admin|scope)$/ {
    if ($2 == "auth") {
      page_auth = 1; pair = $3
      if (is_default($3)) weak = 1
      if (kind == "defaults") { default_pair = $3; if (is_default($3)) default_weak = 1 }
    }
    if (kind == "defaults") default_page = 1; else page = 1
    next
  }
  $1 == "http-request" && ($2 ~ /^(auth|deny|reject|tarpit)$/) || $1 == "tcp-request" && $0 ~ /reject/ ||
    $1 == "stats" && $2 == "http-request" { guarded = 1; if (kind == "defaults") default_guarded = 1 }
  $1 == "http-request" && $2 == "use-service" && $3 == "prometheus-exporter" { next }
  END { end_proxy() }
' "$1"
:
