"""Mozilla's format, ``config-v1.1.xml``: read by Thunderbird and many others.

The draft is read in the version of its author (2024); the working group's, at revision 06, was not at hand: what
is taken from it is the name of the block `oAuth2`.

Source: draft-bucksch-autoconfig; clients.md 3.2.
"""

from typing import Final

from lxml import etree

from mssante.model.autoconfig import Endpoint, MailServices, Socket

PATHS: Final = (
    "/mail/config-v1.1.xml",
    "/.well-known/autoconfig/mail/config-v1.1.xml",
    "/.well-known/mail-v1.xml",
)
"""As Thunderbird asks; as it asks the domain itself; as the draft wants it on ``autoconfig.<domain>``."""
MEDIA_TYPE: Final = "application/xml"
# The program puts the address in: the answer is the same for everybody of the domain.
USERNAME: Final = "%EMAILADDRESS%"
_SOCKETS: Final = {Socket.TLS: "SSL", Socket.STARTTLS: "STARTTLS"}


def client_config(services: MailServices) -> bytes:
    """Return the document; servers in the order in which a program must try them.

    Source: draft-bucksch-autoconfig; clients.md 3.2.
    """
    root = etree.Element("clientConfig", version="1.1")
    provider = etree.SubElement(root, "emailProvider", id=services.domain)
    _text(provider, "domain", services.domain)
    _text(provider, "displayName", services.display_name)
    _text(provider, "displayShortName", services.display_name)
    for at in services.imap:
        _server(provider, "incomingServer", "imap", at, services)
    for at in services.submission:
        _server(provider, "outgoingServer", "smtp", at, services)
    if services.help_url:
        page = etree.SubElement(provider, "documentation", url=services.help_url)
        description = _text(page, "descr", "Régler votre logiciel de messagerie")
        description.set("lang", "fr")
    if services.oauth is not None:
        block = etree.SubElement(root, "oAuth2")
        _text(block, "issuer", services.oauth.issuer)
        _text(block, "scope", " ".join(services.oauth.scopes))
        _text(block, "authURL", services.oauth.authorization_url)
        _text(block, "tokenURL", services.oauth.token_url)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _server(parent: etree._Element, tag: str, kind: str, at: Endpoint, services: MailServices) -> None:
    server = etree.SubElement(parent, tag, type=kind)
    _text(server, "hostname", at.host)
    _text(server, "port", str(at.port))
    _text(server, "socketType", _SOCKETS[at.socket])
    _text(server, "username", USERNAME)
    for way in services.authentication:
        _text(server, "authentication", way.value)


def _text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    made = etree.SubElement(parent, tag)
    made.text = text
    return made
