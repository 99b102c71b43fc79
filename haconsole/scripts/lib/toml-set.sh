#!/bin/sh
# toml_set TABLE KEY VALUE: prints the TOML document of standard input with KEY = VALUE in TABLE; either kind of quotes
# in the name of the table is matched, and a missing table is added at the end.
toml_set() {
  awk -v table="$1" -v key="$2" -v value="$3" '
    function plain(text) { gsub(/[ \t"\047]/, "", text); return text }
    function put() { print indent key " = " value; done = 1 }
    BEGIN { wanted = plain("[" table "]") }
    /^[ \t]*\[/ {
      if (inside && !done) put()
      line = $0; sub(/#.*/, "", line); inside = plain(line) == wanted
      if (inside) { match($0, /^[ \t]*/); indent = substr($0, 1, RLENGTH) "  "; found = 1 }
      print; next
    }
    inside && !done {
      line = $0; sub(/^[ \t]*/, "", line)
      if (index(line, key) == 1 && substr(line, length(key) + 1) ~ /^[ \t]*=/) { match($0, /^[ \t]*/); indent = substr($0, 1, RLENGTH); put(); next }
    }
    { print }
    END { if (inside && !done) put(); if (!found) { print "[" table "]"; indent = "  "; put() } }'
}
