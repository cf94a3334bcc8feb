"""Microsoft's format: the plain XML question and answer of Outlook, and the JSON signpost of newer programs.

Source: clients.md 3.3; MS-OXDSCLI.
"""

import json
from typing import Final

from lxml import etree

from mssante.model.address import Address, parse_address
from mssante.model.autoconfig import Endpoint, MailServices, Socket
from mssante.model.errors import TheirProtocolError

REQUEST_MAX_BYTES: Final = 64 * 1024
XML_PATH: Final = "/autodiscover/autodiscover.xml"
XML_PATHS: Final = (XML_PATH, "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml")
JSON_PATH: Final = "/autodiscover/autodiscover.json"
MEDIA_TYPE: Final = "text/xml"
ANSWER: Final = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_ANSWER: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
OUTLOOK_REQUEST: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_FRAME: Final = f'<Autodiscover xmlns="{ANSWER}"><Response xmlns="{OUTLOOK_ANSWER}"/></Autodiscover>'
_ENCRYPTION: Final = {Socket.TLS: "SSL", Socket.STARTTLS: "TLS"}
_V1: Final = "autodiscoverv1"


def read_request(data: bytes) -> Address:
    """Return the address that Outlook asks for.

    Raises:
        TheirProtocolError: too big, no UTF-8, a document type, not a question, or for another answer than Outlook's.

    Source: clients.md 3.3; reliability.md C07.
    """
    if len(data) > REQUEST_MAX_BYTES:
        msg = f"autodiscover request over {REQUEST_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = "autodiscover request is not UTF-8"
        raise TheirProtocolError(msg) from error
    # Looked for before the parser sees it: without a document type there is no entity to expand.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        msg = "autodiscover request with a document type"
        raise TheirProtocolError(msg)
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        msg = "autodiscover request is not XML"
        raise TheirProtocolError(msg) from error
    inside = f"{{{OUTLOOK_REQUEST}}}"
    if root.tag != f"{inside}Autodiscover":
        msg = "autodiscover request is not Outlook's"
        raise TheirProtocolError(msg)
    schema = root.findtext(f"{inside}Request/{inside}AcceptableResponseSchema")
    if schema is not None and schema.strip() != OUTLOOK_ANSWER:
        msg = "autodiscover request wants another answer than Outlook's"
        raise TheirProtocolError(msg)
    return parse_address((root.findtext(f"{inside}Request/{inside}EMailAddress") or "").strip())


def answer(services: MailServices, address: Address) -> bytes:
    """Return the answer: the most wanted way to read and to send; Outlook tries no second one of a kind.

    Source: clients.md 3.3.
    """
    root = etree.fromstring(_FRAME)
    response = root[0]
    user = _part(response, "User")
    _part(user, "DisplayName", services.display_name)
    account = _part(response, "Account")
    _part(account, "AccountType", "email")
    _part(account, "Action", "settings")
    if services.imap:
        _protocol(account, "IMAP", services.imap[0], address)
    if services.submission:
        smtp = _protocol(account, "SMTP", services.submission[0], address)
        _part(smtp, "UsePOPAuth", "off")
        _part(smtp, "SMTPLast", "off")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def json_answer(web: Endpoint, protocol: str) -> tuple[int, bytes]:
    """Return status and body of the JSON question: where the XML one is answered, or that we have no such protocol.

    Source: MS-OXDSCLI (Autodiscover version 2).
    """
    if protocol.lower() != _V1:
        wrong = {
            "ErrorCode": "InvalidProtocol",
            "ErrorMessage": "The given protocol value is invalid. Supported: AutodiscoverV1.",
        }
        return 400, json.dumps(wrong).encode()
    port = "" if web.port == 443 else f":{web.port}"
    return 200, json.dumps({"Protocol": "AutodiscoverV1", "Url": f"https://{web.host}{port}{XML_PATH}"}).encode()


def _protocol(account: etree._Element, kind: str, at: Endpoint, address: Address) -> etree._Element:
    made = _part(account, "Protocol")
    for tag, text in (
        ("Type", kind),
        ("Server", at.host),
        ("Port", str(at.port)),
        ("DomainRequired", "off"),
        ("LoginName", str(address)),
        ("SPA", "off"),
        ("SSL", "on"),
        ("Encryption", _ENCRYPTION[at.socket]),
        ("AuthRequired", "on"),
    ):
        _part(made, tag, text)
    return made


def _part(parent: etree._Element, tag: str, text: str | None = None) -> etree._Element:
    made = etree.SubElement(parent, f"{{{OUTLOOK_ANSWER}}}{tag}")
    made.text = text
    return made
