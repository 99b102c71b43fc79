#!/bin/sh
# show_kubeconfig FILE prints a kubeconfig whose long words are replaced, so that its YAML is parsed without its secrets:
# 1. Each line of the text begins with "| ". A word like haconsole-data-3 in it replaces other text:
#    base64 of 16 characters or more, over several lines where YAML or JSON breaks it, and any word of 32 or more.
#    The same text has the same word.
# 2. After a line "=3 pem" come the certificates in the decoded text of word 3, and the public half of its private key.
# 3. A line "=3 text WORD" has the text itself: a path or URL, a word with a short ending as names of files and hosts
#    have, or the name of a file beside the kubeconfig. Tokens are none of these.
# Uses the function public, which prints the public half of the private key that it reads.
kubeconfig_words='
BEGIN { RS = "\001"; plain = "[A-Za-z0-9+/=._-]+" }
function is_data(text) { return text ~ /^[A-Za-z0-9+\/=]+$/ }
function flush() {
  if (group == "") return
  if (!(group in number)) { number[group] = ++count; listed[count] = group }
  out = out "haconsole-data-" number[group]
  group = ""
}
{
  rest = $0
  while (match(rest, plain)) {
    before = before substr(rest, 1, RSTART - 1)
    word = substr(rest, RSTART, RLENGTH)
    rest = substr(rest, RSTART + RLENGTH)
    if (before ~ /\\$/ && word ~ /^[nrt]/) { before = before substr(word, 1, 1); word = substr(word, 2) }
    if (word == "") continue
    key = rest ~ /^["]?:/
    between = before ~ /^([ \t\r\n]|\\n|\\r|\\\n)+$/ && before ~ /\n|\\n/
    if (group ~ /^[^\/]/ && is_data(group) && between && is_data(word) && !key) {
      group = group word; before = ""; continue
    }
    flush()
    out = out before
    before = ""
    if (!key && ((is_data(word) && length(word) > 15) || length(word) > 31)) group = word
    else out = out word
  }
  flush()
  out = out before rest
}
END {
  lines = split(out, line, "\n")
  for (at = 1; at <= lines; at++) print "| " line[at]
  for (at = 1; at <= count; at++) print "=" at " " listed[at]
}'
kubeconfig_word() { # NUMBER WORD FOLDER
  ending=${2##*.}
  case $2 in
    /*) named=yes ;;
    *.*) [ "${#ending}" -lt 7 ] && named=yes || named= ;;
    *) [ -e "$3/$2" ] && named=yes || named= ;;
  esac
  if [ -n "$named" ]; then printf '=%s text %s\n' "$1" "$2"; return; fi
  decoded=$(printf '%s' "$2" | base64 -d 2>/dev/null) || return 0
  printf '=%s pem\n' "$1"
  case $decoded in *'PRIVATE KEY'*) printf '%s\n' "$decoded" | public ;; esac
  printf '%s\n' "$decoded" | sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p'
}
show_kubeconfig() {
  head -c 1000000 -- "$1" | awk "$kubeconfig_words" | while IFS= read -r line; do case $line in
    '='*) line=${line#=}; kubeconfig_word "${line%% *}" "${line#* }" "${1%/*}" ;;
    *) printf '%s\n' "$line" ;;
  esac; done 2>/dev/null
}
