"""Certificates of a host read by one root command that lets no private key out.

Of a file with certificates only those are printed; of a key only its mode and the public half that openssl makes of it
on the host; of a kubeconfig only its YAML without secrets and the certificates in it. The certificate that a process
presents comes from a handshake on the host itself (openssl-s_client(1)).
"""

from __future__ import annotations

import re
import shlex

import msgspec
from msgspec.structs import replace

from haconsole.configs.certificate_files import CertificateFile
from haconsole.inventory.effective import join_host_port
from haconsole.probes.script import Section, SectionAnswer
from haconsole.probes.shown_kubeconfig import ShownKubeconfig, shown_kubeconfig
from haconsole.scripts import load_script

FILES = "certificates"
SERVED = "served_"
ENDPOINT = "endpoint"
_CONNECTIONS = 4
"""A balancer that takes its servers in turn shows three of them, whatever other clients do meanwhile."""

_PLAIN_OPENSSL = "export OPENSSL_CONF=/dev/null SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/dev/null"
"""Nothing is verified on the host. To load its authorities and its settings costs several times a handshake."""

_FUNCTIONS = r"""
seen=' '
new() { case $seen in *" $1$2 "*) return 1 ;; esac; seen="$seen$1$2 "; [ -f "$2" ]; }
public() { openssl pkey -pubout -passin pass: 2>/dev/null; }
certs() { count=$#
  for path; do new cert: "$path" && set -- "$@" "$path"; done; shift "$count"
  [ $# -eq 0 ] || awk 'BEGIN { for (i = 1; i < ARGC; i++) {
    printf "\n@cert %s\n", ARGV[i]
    for (inside = 0; (getline line <ARGV[i]) > 0; inside = inside && line !~ /-----END CERTIFICATE-----/) {
      if (line ~ /-----BEGIN CERTIFICATE-----/) inside = 1
      if (inside) print line
    }
    close(ARGV[i])
  } }' "$@"; }
keys() { count=$#
  for path; do new key: "$path" && set -- "$@" "$path"; done; shift "$count"
  [ $# -eq 0 ] || stat -Lc '%a %n' -- "$@" | while read -r mode path; do
    printf '\n@key %s %s\n' "$mode" "$path"; public <"$path"; done; }
token() { new token: "$1" || return 0
  printf '\n@token %s %s\n' "$(stat -Lc %a -- "$1")" "$1"
  if grep -q 'PRIVATE KEY' -- "$1"; then echo private; public <"$1"
  else sed -n '/-----BEGIN PUBLIC KEY-----/,/-----END PUBLIC KEY-----/p' -- "$1"; fi; }
kubeconfig() { new config: "$1" || return 0
  printf '\n@kubeconfig %s %s\n' "$(stat -Lc %a -- "$1")" "$1"; show_kubeconfig "$1"; }
words() { tr '\0' '\n' <"$1/cmdline"; }
value() { words "$2" | sed -n -e ':a' -e '$!{N;ba' -e '}' -e 's/\n\(--*[a-z-]*\)\n\([^-]\)/\n\1=\2/g' -e p |
  sed -n "s/^--*$1=\(\/.*\)/\1/p" | tail -n 1; }
own() { case $(words "$1" | grep '^--*rotate-certificates' | tail -n 1) in
    *=[fF0]*) return ;;
    '') grep -q "^[^#]*rotateCertificates[\"']\{0,1\}: *true" "$(value config "$1")" || return ;;
  esac
  folder=$(value cert-dir "$1")
  current=${folder:-/var/lib/kubelet/pki}/kubelet-client-current.pem
  [ ! -f "$current" ] || printf '%s\n' "--own-cert=$current" "--own-key=$current"; }
flags() { printf '\n@process %s\n' "$1"
  { words "$2"
    case $1 in etcd) tr '\0' '\n' <"$2/environ" ;; kubelet) own "$2" ;; esac
  } | awk '
    function show(word) {
      if (word !~ /^--?[a-z-]*(cert|ca|key|kubeconfig|certificate|authority)[a-z-]*=\//) return
      sub(/^--?/, "", word)
      if (!(word in shown)) print word
      shown[word]
    }
    /^ETCD_[A-Z_]*(CERT|CA|KEY)_FILE=\// { if (!($0 in shown)) print; shown[$0]; next }
    flag != "" && !/^-/ { show(flag "=" $0); flag = ""; next }
    { flag = /^--?[a-z-]*$/ ? $0 : ""; show($0) }'; }
follow() { case $1 in
  *kubeconfig) kubeconfig "$2" ;;
  service-account-*) token "$2" ;;
  *key | *key-file | *keyfile | *KEY_FILE) keys "$2" ;;
  *) certs "$2" ;;
  esac; }
""".strip()

_PROCESSES = r"""
for process in PROC/[0-9]*; do
  read -r name <"$process/comm" || continue
  case $name in
    etcd | kube-apiserver | kube-scheduler | kubelet) ;;
    kube-controller) name=kube-controller-manager ;;
    *) continue ;;
  esac
  ! of_pod "$process" || continue
  told=$(flags "$name" "$process" 2>/dev/null)
  printf '\n%s\n' "$told"
  while IFS== read -r flag path; do case $path in /*) follow "$flag" "$path" ;; esac; done <<END
$told
END
done 2>/dev/null
command -v openssl >/dev/null || echo '@without openssl'
""".strip()

_PEM = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class KeySeen(msgspec.Struct, frozen=True):
    """A private key's file: its mode, and its public half as PEM (empty where openssl made none)."""

    path: str
    mode: int
    public_pem: str


class KubeconfigSeen(msgspec.Struct, frozen=True):
    """A kubeconfig's file: its mode, and the parts that its current context uses."""

    mode: int
    parts: ShownKubeconfig


class TokenKeysSeen(msgspec.Struct, frozen=True):
    """A file of service-account keys: its mode, whether it is private, and the public halves as PEM."""

    mode: int
    private: bool
    public_pem: str


class HostCertificates(msgspec.Struct, frozen=True):
    """All output of the script: PEM text and keys by path, flags as (process, flag, path)."""

    certs: dict[str, str] = msgspec.field(default_factory=dict)
    keys: dict[str, KeySeen] = msgspec.field(default_factory=dict)
    kubeconfigs: dict[str, KubeconfigSeen] = msgspec.field(default_factory=dict)
    tokens: dict[str, TokenKeysSeen] = msgspec.field(default_factory=dict)
    flags: tuple[tuple[str, str, str], ...] = ()
    without_openssl: bool = False


def sections(
    files: tuple[CertificateFile, ...],
    addresses: tuple[str, ...],
    token_keys: tuple[str, ...] = (),
    endpoint: tuple[str, int] | None = None,
    *,
    proc: str = "/proc",
) -> tuple[Section, ...]:
    """One section for all files, and one for each port of `files`, queried at the first of `addresses` that answers.

    One more makes connections to `endpoint`, a balancer outside of the inventory.
    """
    asks = _asks(files)
    asks += [f"token {shlex.quote(path)}" for path in token_keys]
    ports = dict.fromkeys(file.port for file in files if file.port)
    return (
        Section(
            FILES,
            "\n".join(
                (
                    _PLAIN_OPENSSL,
                    load_script("lib/of-pod"),
                    load_script("lib/kubeconfig"),
                    _FUNCTIONS,
                    *asks,
                    load_script("lib/manifest-files"),
                    _PROCESSES.replace("PROC", proc),
                )
            ),
        ),
        *(Section(f"{SERVED}{port}", _handshake(port, addresses)) for port in ports),
        *((Section(ENDPOINT, _handshakes(endpoint)),) if endpoint else ()),
    )


def of_kubeconfigs(report: HostCertificates) -> Section | None:
    """A further script, for the files that kubeconfigs name and that were not read yet; None where there are none."""
    parts = [kubeconfig.parts for kubeconfig in report.kubeconfigs.values()]
    certs = {path for part in parts for path in (part.cert_path, part.ca_path) if path} - report.certs.keys()
    keys = {part.key_path for part in parts if part.key_path} - report.keys.keys()
    if not certs and not keys:
        return None
    asks = (shlex.join(("certs", *sorted(certs))), shlex.join(("keys", *sorted(keys))))
    return Section(FILES, "\n".join((_PLAIN_OPENSSL, _FUNCTIONS, *asks, ":")))


def with_files(report: HostCertificates, others: HostCertificates) -> HostCertificates:
    """The report with the certificates and keys that another script read."""
    return replace(report, certs={**others.certs, **report.certs}, keys={**others.keys, **report.keys})


def _asks(files: tuple[CertificateFile, ...]) -> list[str]:
    """All certificates and keys at once, then each kubeconfig."""
    plain = tuple(file for file in files if not file.kubeconfig)
    certs = (path for file in plain for path in (file.cert, file.ca) if path)
    keys = (file.key for file in plain if file.key)
    configs = (file.cert if file.kubeconfig else file.named_in for file in files)
    return [
        shlex.join(("certs", *dict.fromkeys(certs))),
        shlex.join(("keys", *dict.fromkeys(keys))),
        *(f"kubeconfig {shlex.quote(path)}" for path in dict.fromkeys(configs) if path),
    ]


def _handshake(port: int, addresses: tuple[str, ...]) -> str:
    words = " ".join(shlex.quote(f"[{address}]" if ":" in address else address) for address in addresses)
    return (
        f"{_PLAIN_OPENSSL}\n"
        f"for address in {words}; do\n"
        f'  told=$(timeout 4 openssl s_client -connect "$address:{port}" </dev/null 2>/dev/null |\n'
        "    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p')\n"
        f'  [ -z "$told" ] || {{ printf \'%s\\n%s\\n\' "$address:{port}" "$told"; return; }}\n'
        "done"
    )


def _handshakes(endpoint: tuple[str, int]) -> str:
    """Several connections at once, because a balancer gives each to one of its servers."""
    where = shlex.quote(join_host_port(*endpoint))
    return (
        f"{_PLAIN_OPENSSL}\n"
        f"for _ in {' '.join(map(str, range(_CONNECTIONS)))}; do\n"
        f"  ( shown=$(timeout 4 openssl s_client -connect {where} </dev/null 2>/dev/null |\n"
        "    sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p')\n"
        "    printf '%s\\n' \"$shown\" ) &\n"
        "done\nwait"
    )


def parse_files(answer: SectionAnswer) -> HostCertificates:
    """Read what the files' section wrote."""
    certs: dict[str, str] = {}
    keys: dict[str, KeySeen] = {}
    kubeconfigs: dict[str, KubeconfigSeen] = {}
    tokens: dict[str, TokenKeysSeen] = {}
    flags: list[tuple[str, str, str]] = []
    without = False
    for part in re.split(r"^@", answer.output, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind, _, rest = head.partition(" ")
        octal, _, path = rest.partition(" ")
        mode = _mode(octal)
        match kind:
            case "cert":
                certs[rest] = body
            case "key" if mode is not None:
                keys[path] = KeySeen(path, mode, body.strip())
            case "kubeconfig" if mode is not None:
                kubeconfigs[path] = KubeconfigSeen(mode, shown_kubeconfig(body, path))
            case "token" if mode is not None:
                tokens[path] = TokenKeysSeen(mode, body.startswith("private"), body)
            case "process":
                flags += [(rest, _flag(name), value) for name, _, value in _pairs(body)]
            case "without":
                without = True
            case _:
                pass
    return HostCertificates(certs, keys, kubeconfigs, tokens, tuple(flags), without)


def parse_served(answer: SectionAnswer) -> tuple[str, str] | None:
    """Where a handshake succeeded (``address:port``), and the certificate it showed as PEM; None when none did."""
    where, _, pem = answer.output.strip().partition("\n")
    return (where, pem) if "BEGIN CERTIFICATE" in pem else None


def parse_endpoint(answer: SectionAnswer) -> tuple[str, ...]:
    """The different certificates that the endpoint presented, as PEM."""
    return tuple(dict.fromkeys(_PEM.findall(answer.output)))


def _mode(octal: str) -> int | None:
    """A file's mode as stat prints it; None where the file disappeared while it was read."""
    return int(octal, 8) if re.fullmatch("[0-7]{1,4}", octal) else None


def _pairs(body: str) -> list[tuple[str, str, str]]:
    return [line.partition("=") for line in body.splitlines() if "=" in line]


def _flag(name: str) -> str:
    """A flag's name, also where it was given as an environment variable (``ETCD_CERT_FILE``)."""
    return name.removeprefix("ETCD_").lower().replace("_", "-")
