"""Shell scripts that rotations look and act with; what each takes as words is said with it."""

from __future__ import annotations

ASIDE = r"""
aside() { end=${HACONSOLE_ASIDE:-$end}; [ ! -f "$1" ] || [ -e "${1%/*}/.${1##*/}.$end" ] || {
  cp -p -- "$1" "${1%/*}/.${1##*/}.$end" && chmod 600 -- "${1%/*}/.${1##*/}.$end"
  echo "wrote $1; the file before it is ${1%/*}/.${1##*/}.$end"; }; }
place() { sync -- "$1.new"; mv -T -- "$1.new" "$1"; }
"""
"""Functions: set FILE aside once; put FILE.new in its place. HACONSOLE_ASIDE, else `end`, ends names set aside."""

NAME_FILES = f"""{ASIDE.strip()}
path=$1
aside "$path"
cp -p -- "$path" "$path.new"
sed -e '0,/^\\([- ]*\\)client-certificate-data:.*/s||\\1client-certificate: '"$2|" \\
  -e '0,/^\\([- ]*\\)client-key-data:.*/s||\\1client-key: '"$3|" -- "$path" >"$path.new"
place "$path"
"""
"""Words: a kubeconfig that holds its first user's pair itself, and the certificate and key files it is to name."""

NAMES_FILES = r"""
grep -q "^[- ]*client-certificate: $2\$" -- "$1" && grep -q "^[- ]*client-key: $3\$" -- "$1"
"""
"""Words: kubeconfig, the certificate and key files that it must name."""

PRINTS = r"""
prints() { while IFS= read -r line || [ -n "$line" ]; do case $line in
  -----BEGIN*) body= ;;
  -----END*) printf %s "$body" | base64 -d | sha256sum | cut -c1-64 ;;
  *) body=$body$line ;;
  esac; done <"$1"; }
"""
"""A function: SHA-256 of each PEM block of a file, in its order."""

SERVES = r"""
shown() { timeout 4 openssl s_client -connect "$1" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256; }
serves() { told=$(shown "$1" 2>/dev/null) && [ "$told" = "$(openssl x509 -in "$2" -noout -fingerprint -sha256)" ]; }
"""
"""Functions: what answers at ADDRESS:PORT shows the certificate in FILE."""

SERVING = f"""{SERVES.strip()}
serves "$1" "$2" || {{ echo "at $1 another is shown" >&2; exit 1; }}
"""
"""Words: address:port, certificate."""

TAKE_UP = f"""{SERVES.strip()}
end=$(($(date +%s) + $1)); shift
while :; do
  serves "$1" "$2" && {{ echo "$1 shows the new certificate"; exit 0; }}
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 1
done
echo "$1 does not show the new certificate by itself"
"""
"""Words: seconds to wait at most, address:port, certificate. Never fails: who comes after looks for itself."""
