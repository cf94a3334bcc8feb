"""Strict readers of the autoconfiguration formats, written after what the programs themselves do with them."""

import plistlib
from typing import Any

from lxml import etree

from mssante.wire.autoconfig.autodiscover import ANSWER, OUTLOOK_ANSWER

Found = tuple[str, str, int, str]
"""Service, host, port, how TLS starts: "STARTTLS" or "TLS"."""

SOCKETS = {"SSL": "TLS", "STARTTLS": "STARTTLS"}
AUTHENTICATIONS = {
    "password-cleartext",
    "password-encrypted",
    "NTLM",
    "GSSAPI",
    "client-IP-address",
    "TLS-client-cert",
    "OAuth2",
    "none",
}


def read_mozilla(data: bytes) -> tuple[list[Found], list[str], dict[str, str]]:
    """Return servers, authentications and OAuth2 block, or fail where Thunderbird would.

    Thunderbird wants a `clientConfig` with an `emailProvider`, a domain, one incoming and one outgoing server at
    least; hostname and port of each; words it knows; it skips the authentications that it does not.
    """
    root = etree.fromstring(data)
    assert (root.tag, root.get("version")) == ("clientConfig", "1.1")
    provider = root.find("emailProvider")
    assert provider is not None
    assert provider.get("id")
    assert [one.text for one in provider.findall("domain")] == [provider.get("id")]
    assert provider.findtext("displayName")
    found, ways = [], []
    for tag, kind in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        servers = provider.findall(tag)
        assert servers
        for one in servers:
            assert one.get("type") == kind
            assert [child.tag for child in one][:4] == ["hostname", "port", "socketType", "username"]
            assert one.findtext("username") == "%EMAILADDRESS%"
            port = int(one.findtext("port") or 0)
            assert 0 < port < 65536
            found.append((kind, one.findtext("hostname") or "", port, SOCKETS[one.findtext("socketType") or ""]))
            ways = [way.text or "" for way in one.findall("authentication")]
            assert ways
            assert set(ways) <= AUTHENTICATIONS
    oauth = root.find("oAuth2")
    block = {} if oauth is None else {str(one.tag): one.text or "" for one in oauth}
    assert set(block) in (set(), {"issuer", "scope", "authURL", "tokenURL"})
    return found, ways, block


def read_outlook(data: bytes, address: str) -> list[Found]:
    """Return the servers of a plain XML answer, or fail where Outlook would."""
    root = etree.fromstring(data)
    assert root.tag == f"{{{ANSWER}}}Autodiscover"
    # Prefixes are legal and confuse old programs.
    assert b":Response" not in data
    account = root.find(f"{{{OUTLOOK_ANSWER}}}Response/{{{OUTLOOK_ANSWER}}}Account")
    assert account is not None
    assert account.findtext(f"{{{OUTLOOK_ANSWER}}}AccountType") == "email"
    assert account.findtext(f"{{{OUTLOOK_ANSWER}}}Action") == "settings"
    found = []
    for one in account.findall(f"{{{OUTLOOK_ANSWER}}}Protocol"):
        facts = {str(child.tag).rpartition("}")[2]: child.text or "" for child in one}
        assert facts["Type"] in {"IMAP", "SMTP"}
        assert (facts["LoginName"], facts["SPA"], facts["SSL"], facts["AuthRequired"]) == (address, "off", "on", "on")
        found.append(
            (
                facts["Type"].lower(),
                facts["Server"],
                int(facts["Port"]),
                {"SSL": "TLS", "TLS": "STARTTLS"}[facts["Encryption"]],
            )
        )
    return found


def read_apple(data: bytes, address: str) -> tuple[list[Found], dict[str, Any]]:
    """Return the servers of a profile and the profile, or fail where a device would refuse it."""
    whole = plistlib.loads(data)
    assert (whole["PayloadType"], whole["PayloadVersion"]) == ("Configuration", 1)
    (mail,) = whole["PayloadContent"]
    assert mail["PayloadType"] == "com.apple.mail.managed"
    identifiers = {whole["PayloadUUID"], mail["PayloadUUID"]}
    assert len(identifiers) == 2
    assert (mail["EmailAccountType"], mail["EmailAddress"]) == ("EmailTypeIMAP", address)
    assert not [key for key in mail if key.endswith("Password") and isinstance(mail[key], str)]
    found = []
    for way, kind in (("Incoming", "imap"), ("Outgoing", "smtp")):
        assert mail[f"{way}MailServerUseSSL"] is True
        assert mail[f"{way}MailServerAuthentication"] == "EmailAuthPassword"
        assert mail[f"{way}MailServerUsername"] == address
        found.append((kind, mail[f"{way}MailServerHostName"], mail[f"{way}MailServerPortNumber"], "TLS"))
    return found, whole


def read_pacc(document: Any) -> list[Found]:  # noqa: ANN401 - whatever JSON holds
    """Return the servers of the newer draft's document, or fail where its schema would."""
    assert set(document) == {"protocols", "authentication", "info"}
    assert set(document["info"]) <= {"provider", "help"}
    assert 1 <= len(document["info"]["provider"]["name"]) <= 60
    assert set(document["authentication"]) <= {"password", "oauth-public"}
    assert isinstance(document["authentication"]["password"], bool)
    found = []
    for name, (kind, port) in {"imap": ("imap", 993), "submit": ("smtp", 465)}.items():
        if name in document["protocols"]:
            assert set(document["protocols"][name]) == {"host"}
            found.append((kind, document["protocols"][name]["host"], port, "TLS"))
    assert set(document["protocols"]) <= {"imap", "submit", "jmap"}
    return found
