"""Apple's configuration profile: one mail account, installed with a tap, without any password in it.

Source: Apple, Device Management, ``com.apple.mail.managed``.
"""

import plistlib
import uuid
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs7

from mssante.model.address import Address
from mssante.model.autoconfig import Endpoint, MailServices, Socket, endpoint_by

PATH: Final = "/mobileconfig"
MEDIA_TYPE: Final = "application/x-apple-aspen-config"
FILE_NAME: Final = "messagerie-mssante.mobileconfig"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "autoconfig.mssante.fr")


def profile(services: MailServices, address: Address) -> bytes:
    """Return the profile; the same address always gives the same identifiers, so that a new one replaces the old.

    Apple has one switch for TLS: the way with TLS from the first byte is chosen where it is offered.

    Source: Apple, Device Management, ``com.apple.mail.managed``.
    """
    imap, submission = _for_apple(services.imap), _for_apple(services.submission)
    identifier = ".".join(("mssante", *reversed(services.domain.split("."))))
    mail = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.mail",
        "PayloadUUID": _stable("mail", address),
        "PayloadDisplayName": str(address),
        "EmailAccountDescription": f"{services.display_name} ({services.domain})",
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": str(address),
        **_server("Incoming", imap, address),
        **_server("Outgoing", submission, address),
        "OutgoingPasswordSameAsIncomingPassword": True,
        # Health mail must not leave for another account, nor its correspondents for the maker's cloud.
        "PreventMove": True,
        "disableMailRecentsSyncing": True,
    }
    whole = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": _stable("profile", address),
        "PayloadDisplayName": f"Messagerie {services.display_name}",
        "PayloadDescription": f"Compte de messagerie sécurisée de santé de {address}.",
        "PayloadOrganization": services.display_name,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [mail],
    }
    return plistlib.dumps(whole)


def sign_profile(data: bytes, chain: Sequence[x509.Certificate], key: RSAPrivateKey | EllipticCurvePrivateKey) -> bytes:
    """Return the profile inside a CMS signature, in DER; the device then shows who it is from.

    Source: RFC 5652 (SignedData).
    """
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(chain[0], key, hashes.SHA256())
    for one in chain[1:]:
        builder = builder.add_certificate(one)
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _server(way: str, at: Endpoint | None, address: Address) -> dict[str, object]:
    if at is None:
        return {}
    return {
        f"{way}MailServerAuthentication": "EmailAuthPassword",
        f"{way}MailServerHostName": at.host,
        f"{way}MailServerPortNumber": at.port,
        f"{way}MailServerUseSSL": True,
        f"{way}MailServerUsername": str(address),
    }


def _for_apple(offered: tuple[Endpoint, ...]) -> Endpoint | None:
    return endpoint_by(offered, Socket.TLS) or (offered[0] if offered else None)


def _stable(what: str, address: Address) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{what}:{address.key}")).upper()
