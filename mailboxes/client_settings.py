"""What a mail program is to be told: servers, ports, user name; and the files in which programs ask for it.

Thunderbird: wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat. Outlook: [MS-OXDSCLI], POX. Apple:
Configuration Profile Reference, Mail. Nobody learns from them which addresses there are."""

import plistlib
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from domains.models import Domain
from mailboxes.models import Mailbox, ServerNames
from mailboxes.parsing import ParsedAddress, external_form

IMAP, POP, SMTP = "imap", "pop3", "smtp"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
AUTODISCOVER = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"


@dataclass(frozen=True)
class Server:
    """One service of a mail program. The ports are those with TLS from the first byte (RFC 8314)."""

    service: str
    host: str
    port: int
    is_started_in_plain: bool = False  # STARTTLS


def servers() -> list[Server]:
    """What the panel serves, best first: IMAP before POP, submissions (465) before submission (587)."""
    names = ServerNames.current()
    found = [Server(IMAP, names.imap_host, 993), Server(POP, names.pop_host, 995)]
    found += [Server(SMTP, names.submission_host, 465), Server(SMTP, names.submission_host, 587, True)]
    return [server for server in found if server.host]


def servers_of(mailbox: Mailbox) -> list[Server]:
    """Those that its owner may use."""
    may = {IMAP: mailbox.imap, POP: mailbox.pop, SMTP: mailbox.sends}
    return [server for server in servers() if may[server.service]]


def login_of(address: ParsedAddress) -> str | None:
    """The user name for an address of a domain that has mailboxes here, whether there is such a mailbox or not. An
    address of an alias domain is no login: that of its target is."""
    domain = Domain.objects.select_related("target").filter(name=address.domain, active=True).first()
    if domain is None or not domain.answers_for.has_mailboxes:
        return None
    return external_form(address.local_part, domain.answers_for.name)


def autoconfig(domain: str, login: str) -> str:
    """`login` may be a placeholder that the program fills in: %EMAILADDRESS%."""
    kinds = {IMAP: "incomingServer", POP: "incomingServer", SMTP: "outgoingServer"}
    parts = "".join(
        f"""    <{kinds[server.service]} type="{server.service}">
      <hostname>{escape(server.host)}</hostname>
      <port>{server.port}</port>
      <socketType>{"STARTTLS" if server.is_started_in_plain else "SSL"}</socketType>
      <username>{escape(login)}</username>
      <authentication>password-cleartext</authentication>
    </{kinds[server.service]}>
"""
        for server in servers()
    )
    name = escape(domain)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="{name}">
    <domain>{name}</domain>
    <displayName>{name}</displayName>
    <displayShortName>{name}</displayShortName>
{parts}  </emailProvider>
</clientConfig>
"""


def autodiscover(login: str) -> str:
    parts = "".join(
        f"""      <Protocol>
        <Type>{server.service.upper()}</Type>
        <Server>{escape(server.host)}</Server>
        <Port>{server.port}</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>{escape(login)}</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <AuthRequired>on</AuthRequired>
      </Protocol>
"""
        for server in servers()
        if not server.is_started_in_plain
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Autodiscover xmlns="{AUTODISCOVER}">
  <Response xmlns="{OUTLOOK}">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
{parts}    </Account>
  </Response>
</Autodiscover>
"""


def apple_profile(mailbox: Mailbox) -> bytes | None:
    """A profile for iPhone, iPad and Mac, without the password; the device asks for it. None where nothing is to be
    set up: a profile needs a server to read from and one to send by."""
    offered = servers_of(mailbox)
    incoming = next((server for server in offered if server.service != SMTP), None)
    outgoing = next((server for server in offered if server.service == SMTP), None)
    if incoming is None or outgoing is None:
        return None
    login = str(mailbox)
    account = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"mailadmin.{login}.mail",
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{login}.mail")).upper(),
        "PayloadDisplayName": login,
        "EmailAccountDescription": login,
        "EmailAccountName": "".join(filter(str.isprintable, mailbox.name)) or login,  # XML holds no control characters
        "EmailAccountType": "EmailTypeIMAP" if incoming.service == IMAP else "EmailTypePOP",
        "EmailAddress": login,
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingMailServerHostName": incoming.host,
        "IncomingMailServerPortNumber": incoming.port,
        "IncomingMailServerUseSSL": True,
        "IncomingMailServerUsername": login,
        "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerHostName": outgoing.host,
        "OutgoingMailServerPortNumber": outgoing.port,
        "OutgoingMailServerUseSSL": True,
        "OutgoingMailServerUsername": login,
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"mailadmin.{login}",
        "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, login)).upper(),
        "PayloadDisplayName": login,
        "PayloadContent": [account],
    }
    return plistlib.dumps(profile)
