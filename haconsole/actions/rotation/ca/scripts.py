"""Shell scripts that replace CAs and token keys on a host; what each takes as words is said with it."""

from __future__ import annotations

from haconsole.actions.rotation.scripts import ASIDE, PRINTS

HOLDS = f"""{PRINTS.strip()}
held=$(prints "$1") || exit 1
for one in $(prints "$2"); do case $held in *"$one"*) ;; *) echo "$1 lacks $one" >&2; exit 1 ;; esac; done
[ -s "$2" ]
"""
"""Words: bundle, file whose blocks it must hold."""

GONE = f"""{PRINTS.strip()}
[ -s "$1" ] && case $(prints "$1") in *"$2"*) exit 1 ;; esac
"""
"""Words: bundle, the fingerprint it must not hold any more."""

JOIN = f"""{PRINTS.strip()}
{ASIDE.strip()}
path=$1 next=$2 end=$3
held=$(prints "$path"); lacks=
for one in $(prints "$next"); do case $held in *"$one"*) ;; *) lacks=1 ;; esac; done
[ -n "$lacks" ] || exit 0
aside "$path"
cp -p -- "$path" "$path.new"; {{ echo; cat -- "$next"; }} >>"$path.new"
place "$path"
"""
"""Words: bundle, file whose blocks come to its end, end of names set aside."""

SWITCHED = r"""
cmp -s -- "$1" "$2" || { echo "$1 is not $2" >&2; exit 1; }
"""
"""Words: key, the key it must be."""

SWITCH = f"""{ASIDE.strip()}
key=$1 next=$2 previous=$3 end=$4
cmp -s -- "$key" "$next" && exit 0
[ -e "$previous" ] || cp -p -- "$key" "$previous"
aside "$key"
cp -p -- "$key" "$key.new"; cat -- "$next" >"$key.new"
place "$key"
"""
"""Words: key, the key that comes, where the one that goes is kept for the way back, end of names set aside."""

DROPPED = f"""{PRINTS.strip()}
[ ! -e "$2" ] || {{ echo "$2 is still there" >&2; exit 1; }}
case $(prints "$1") in *"$3"*) echo "$1 still holds $3" >&2; exit 1 ;; esac
"""
"""Words: bundle, the successor's file, which must be gone, and the fingerprint that must be gone."""

DROP = f"""{ASIDE.strip()}
cert=$1 next_cert=$2 key=$3 next_key=$4 previous=$5 end=$6
[ -s "$next_cert" ] || {{ echo "there is no $next_cert" >&2; exit 1; }}
if [ -f "$next_key" ]; then
  aside "$key"; umask 077; cat -- "$next_key" >"$key.new"; chmod 600 -- "$key.new"; place "$key"
fi
aside "$cert"; cp -p -- "$cert" "$cert.new"; cat -- "$next_cert" >"$cert.new"; place "$cert"
if [ -f "$previous" ]; then aside "$previous"; rm -f -- "$previous"; fi
rm -f -- "$next_key" "$next_cert"
"""
"""Words: bundle, the successor's certificate, key, the successor's key, a key kept for the way back, end of names."""

BACK = f"""{PRINTS.strip()}
{ASIDE.strip()}
cert=$1 next_cert=$2 next_key=$3 goes=$4 end=$5
case $(prints "$cert") in *"$goes"*)
  aside "$cert"; cp -p -- "$cert" "$cert.new"; : >"$cert.new"; block=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in -----BEGIN*) block= ;; esac
    block="$block$line
"
    case $line in -----END*)
      printf %s "$block" >"$cert.one"
      [ "$(prints "$cert.one")" = "$goes" ] || printf %s "$block" >>"$cert.new" ;;
    esac
  done <"$cert"
  rm -f -- "$cert.one"
  [ -s "$cert.new" ] || {{ echo "nothing would be left in $cert" >&2; exit 1; }}
  place "$cert" ;;
esac
for one in "$next_cert" "$next_key"; do [ ! -f "$one" ] || {{ aside "$one"; rm -f -- "$one"; }}; done
"""
"""Words: bundle, the successor's certificate and key, the fingerprint that goes again, end of names set aside."""

RESTORED = r"""
[ ! -e "$1" ] || { echo "$1 is still there" >&2; exit 1; }
"""
"""Word: the key kept for the way back, which is gone once it is in its place again."""

RESTORE = f"""{ASIDE.strip()}
key=$1 previous=$2 end=$3
[ -f "$previous" ] || exit 0
aside "$key"; cp -p -- "$key" "$key.new"; cat -- "$previous" >"$key.new"; place "$key"
rm -f -- "$previous"
"""
"""Words: key, the key kept for the way back, end of names set aside."""

VERIFIES = r"""
while [ $# -gt 1 ]; do
  said=$(openssl verify -CAfile "$1" "$2" 2>&1) || { echo "$said" >&2; exit 1; }
  shift 2
done
"""
"""Words: pairs of a CA file and a leaf that must verify with it alone."""

ALONE = r"""
for path in "$@"; do
  [ "$(grep -c -e '-----BEGIN' -- "$path")" = 1 ] || { echo "$path holds more than its leaf" >&2; exit 1; }
done
"""
"""Words: files that must hold one certificate each."""

STRIP = r"""
for path in "$@"; do
  [ "$(grep -c -e '-----BEGIN' -- "$path")" -gt 1 ] || continue
  cp -p -- "$path" "$path.new"; sed '/-----END/q' "$path" >"$path.new"
  sync -- "$path.new"; mv -T -- "$path.new" "$path"
done
"""
"""Words: files of which the first certificate alone stays."""
