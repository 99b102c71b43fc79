"""Subject alternative names, written ``DNS:cp1`` and ``IP:10.99.0.11`` everywhere in the program."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509

from haconsole.pki.errors import PkiError


def normal_san(san: str) -> str:
    """One spelling for a name: DNS in lower case, addresses in their shortest form."""
    kind, _, value = san.partition(":")
    if kind == "IP":
        try:
            return f"IP:{ip_address(value)}"
        except ValueError as error:
            raise PkiError(f"{san!r} is not an IP address", hint="write IP:10.0.0.1 or IP:fd00::1") from error
    if kind == "DNS" and value:
        return f"DNS:{value.lower()}"
    raise PkiError(f"{san!r} is not a name for a certificate", hint="write DNS:name or IP:address")


def general_name(san: str) -> x509.GeneralName:
    """The X.509 form of ``DNS:…`` or ``IP:…``."""
    kind, _, value = normal_san(san).partition(":")
    return x509.IPAddress(ip_address(value)) if kind == "IP" else x509.DNSName(value)


def sans_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names in a certificate, in its order; kinds other than DNS and IP are left out."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    sans: list[str] = []
    for name in names:
        if isinstance(name, x509.DNSName):
            sans.append(f"DNS:{name.value.lower()}")
        elif isinstance(name, x509.IPAddress):
            sans.append(f"IP:{name.value}")
    return tuple(sans)


def is_named(san: str, present: tuple[str, ...]) -> bool:
    """Whether a certificate with the names `present` is valid for `san`.

    A wildcard matches the complete first label of a DNS name (RFC 6125, section 6.4.3), and no part of an address.
    """
    kind, _, value = san.partition(":")
    if kind != "DNS":
        return san in present
    host = value.lower().rstrip(".")
    _, dot, rest = host.partition(".")
    return not {f"DNS:{host}", f"DNS:*{dot}{rest}"}.isdisjoint(present)


def missing_sans(names: tuple[str, ...], present: tuple[str, ...]) -> tuple[str, ...]:
    """Names that are requested and not present, sorted."""
    return tuple(sorted({normal_san(san) for san in names} - {normal_san(san) for san in present}))
