"""What people type about the DNS: mail hosts with addresses, terms of SPF, addresses for reports, certificates."""

import os
import re
from dataclasses import dataclass
from errno import EINVAL
from hashlib import sha256
from ipaddress import ip_address
from stat import S_ISREG

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import LABEL, LONGEST_DOMAIN, normalised_domain, shown

TERM_OF_SPF = re.compile(  # RFC 7208, sections 5 and 6.1; macros are taken as they are
    r"[-+?~]?(?:(?:a|mx)(?::[^\s/]+)?(?:/\d+)?(?://\d+)?|ip4:[0-9.]+(?:/\d+)?|ip6:[0-9a-f:.]+(?:/\d+)?"
    r"|(?:include|exists):\S+|ptr(?::\S+)?|redirect=\S+|exp=\S+)",
    re.IGNORECASE,
)
REPORTS_TO = re.compile(r"[!-+\--:<-~]+@[a-z0-9.-]+")  # no blank, comma or semicolon: they end a tag
KEY_LABEL = LABEL.replace("a-z0-9", "a-z0-9_")
KEY_NAME = re.compile(rf"{KEY_LABEL}(\.{KEY_LABEL})*")
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class MailHost:
    """A server that takes mail from elsewhere; the first is preferred."""

    name: str
    addresses: tuple[str, ...]


def mail_hosts(text: str) -> list[MailHost]:
    """One host a line: its name, then its addresses. ValidationError says which line is wrong."""
    hosts: list[MailHost] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, *addresses = line.split()
        host = MailHost(normalised_domain(name), tuple(_address(one) for one in addresses))
        if "." not in host.name:
            raise ValidationError(_("%(name)s needs its whole name, for example mx.example.org.") % {"name": host.name})
        if not addresses:
            raise ValidationError(_("Write the addresses of %(name)s behind it.") % {"name": host.name})
        if any(other.name == host.name for other in hosts):
            raise ValidationError(_("%(name)s stands there twice.") % {"name": host.name})
        hosts.append(host)
    return hosts


def normal_hosts(text: str) -> str:
    return "\n".join(" ".join([host.name, *host.addresses]) for host in mail_hosts(text))


def spf_terms(text: str) -> str:
    """Terms of SPF with single blanks between them; neither v=spf1 nor “all”, which the panel writes."""
    terms = text.split()
    for term in terms:
        if not TERM_OF_SPF.fullmatch(term):
            sentence = _("“%(term)s” is no term of SPF. Write ip4:192.0.2.1 or include:example.net, for example.")
            raise ValidationError(sentence % {"term": shown(term)})
    return " ".join(terms)


def report_addresses(text: str) -> str:
    """Addresses with blanks between them, without mailto:."""
    return " ".join(_report_address(one) for one in re.split(r"[\s,]+", text.strip()) if one)


def _report_address(text: str) -> str:
    local, at, domain = text.removeprefix("mailto:").rpartition("@")
    try:
        address = f"{local}{at}{normalised_domain(domain)}"
    except ValidationError:
        address = ""
    if not REPORTS_TO.fullmatch(address):
        sentence = _("“%(address)s” is no address for reports. Write dmarc@example.org, for example.")
        raise ValidationError(sentence % {"address": shown(text)})
    return address


def certificates(text: str) -> list[x509.Certificate]:
    """Certificates in PEM, and those of files whose whole path stands on a line of its own: the first of each file,
    which is the server's (a chain follows it)."""
    found = [_certificate(pem, "PEM") for pem in PEM.findall(text)]
    for line in filter(None, map(str.strip, PEM.sub("", text).splitlines())):
        if not line.startswith("/"):
            sentence = _("“%(line)s” is neither a certificate in PEM nor the whole path of one.")
            raise ValidationError(sentence % {"line": shown(line)})
        found.append(_certificate(_read(line), line))
    return found


def readable_certificates(text: str) -> tuple[list[x509.Certificate], list[str]]:
    """The same without those that cannot be read by now, and the paths of these."""
    found: list[x509.Certificate] = []
    unreadable: list[str] = []
    for part in [*PEM.findall(text), *PEM.sub("", text).split("\n")]:
        try:
            found += certificates(part)
        except ValidationError:
            unreadable.append(part.strip())
    return found, unreadable


def names_of(certificate: x509.Certificate) -> list[str]:
    """The DNS names for which it is good (RFC 6125)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Its own name, or a wildcard for the last label."""
    return bool({host, f"*.{host.partition('.')[2]}"} & set(names_of(certificate)))


def tlsa_of(certificate: x509.Certificate) -> str:
    """3 1 1: the server's own key, whole, as SHA-256 (RFC 7672, 3.1.1). It stays while a renewal keeps the key."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {sha256(key).hexdigest()}"


def key_name(text: str) -> str:
    """The name of a TSIG key as it is stored; the rule of the constraint a_tsig_key_has_a_name."""
    name = text.strip().removesuffix(".").lower()
    if not name:
        raise ValidationError(_("Type the name of the key, as the name server has it."))
    if not KEY_NAME.fullmatch(name) or len(name) > LONGEST_DOMAIN:
        raise ValidationError(_("The name of a key has letters, digits, hyphens and dots."))
    return name


def record_name(text: str) -> str:
    """A name in the DNS, with underscores where such labels have them."""
    name = text.strip().removesuffix(".").lower()
    if not KEY_NAME.fullmatch(name) or len(name) > LONGEST_DOMAIN:
        sentence = _("“%(name)s” is not a name in the DNS.")
        raise ValidationError(sentence % {"name": shown(text)})
    return name


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        sentence = _("“%(address)s” is no address. Write 192.0.2.1 or 2001:db8::1, for example.")
        raise ValidationError(sentence % {"address": shown(text)}) from error


def _certificate(pem: str, where: str) -> x509.Certificate:
    found = PEM.search(pem)
    try:
        return x509.load_pem_x509_certificate(found[0].encode() if found else b"")
    except ValueError as error:
        raise ValidationError(_("There is no certificate in %(where)s.") % {"where": shown(where)}) from error


def _read(path: str) -> str:
    """The beginning of a file. A FIFO or a device may hold up its reader for ever, so it is opened without waiting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(EINVAL, _("it is no file"))
            return os.read(descriptor, 100_000).decode("ascii", errors="replace")
        finally:
            os.close(descriptor)
    except OSError as error:
        words = {"file": shown(path), "reason": error.strerror}
        raise ValidationError(_("%(file)s cannot be read: %(reason)s.") % words) from error
