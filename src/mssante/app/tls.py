"""TLS contexts: what each door offers, what the courier accepts.

Only chain and dates are judged in the handshake; usage policy, revocation and the white list are judged by the rules
at each MAIL FROM (decision 0002).
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mssante.model.errors import ConfigError, WireError
from mssante.model.peer import Certificate
from mssante.model.settings import TlsSettings
from mssante.model.system import reason
from mssante.wire.x509.read import read_certificate, read_pem_chain

# operators.md 2.2: the four suites of the national text.
NATIONAL_SUITES: Final = (
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"
)


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """The certificates that the configuration names, read and checked.

    Attributes:
        own: our certificate.
        chain: DER forms of our certificate file, ours first.
        anchors: DER forms of the roots.
        intermediates: DER forms of the authorities below them.
    """

    own: Certificate
    chain: tuple[bytes, ...]
    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]


def read_material(settings: TlsSettings, *, now: datetime) -> TlsMaterial:
    """Return the certificates of the configuration.

    Raises:
        ConfigError: a file is missing or is no certificate, the key does not match, or our certificate has expired.
    """
    chain = read_chain(settings.certificate, "certificate")
    own = _own(settings, chain)
    if not own.not_before <= now <= own.not_after:
        state = "a expiré" if now > own.not_after else "n'est pas encore valable"
        msg = (
            f"[tls] certificate {settings.certificate} {state} (valable du {own.not_before:%d/%m/%Y} au "
            f"{own.not_after:%d/%m/%Y}) ; commandez le suivant avec `mssante pki request` et mettez-le là"
        )
        raise ConfigError(msg)
    _check_key(settings)
    return TlsMaterial(
        own=own,
        chain=chain,
        anchors=read_chain(settings.anchors, "anchors"),
        intermediates=read_chain(settings.intermediates, "intermediates"),
    )


def read_chain(path: Path, name: str, *, section: str = "tls") -> tuple[bytes, ...]:
    """Return the certificates of a PEM file, in DER.

    Raises:
        ConfigError: missing, unreadable, or without a certificate.
    """
    try:
        found = read_pem_chain(path.read_bytes())
    except OSError as error:
        msg = f"[{section}] {name} {path} : {reason(error)} ; donnez le bon chemin"
        raise ConfigError(msg) from error
    except WireError as error:
        msg = f"[{section}] {name} {path} : pas de certificat PEM lisible ; est-ce le bon fichier ?"
        raise ConfigError(msg) from error
    if not found:
        msg = f"[{section}] {name} {path} : aucun certificat (PEM, BEGIN CERTIFICATE) ; est-ce le bon fichier ?"
        raise ConfigError(msg)
    return found


def _own(settings: TlsSettings, chain: tuple[bytes, ...]) -> Certificate:
    try:
        return read_certificate(chain[0])
    except WireError as error:
        msg = f"[tls] certificate {settings.certificate} : illisible ; est-ce le bon fichier ?"
        raise ConfigError(msg) from error


def _check_key(settings: TlsSettings) -> None:
    if settings.key.is_file() and settings.key.stat().st_mode & 0o077:
        msg = f"[tls] key {settings.key} : lisible par d'autres utilisateurs ; tapez : chmod 600 {settings.key}"
        raise ConfigError(msg)
    _load_own(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)


def operator_server(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context of the door between operators: mutual, national suites, no session tickets (law 6).

    A peer without certificate passes the handshake and is refused at MAIL FROM, with the reason.

    Source: operators.md 2.2, 2.5; reliability.md B05, H.
    """
    context = _server(settings)
    _national(context, settings)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def operator_client(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context for sending to other operators; the host name is judged by rule R6, not here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _load_own(context, settings)
    _load_anchors(context, settings)
    _national(context, settings)
    return context


def user_server(settings: TlsSettings) -> ssl.SSLContext:
    """Return the context of the doors for our users: TLS 1.2 and 1.3; software may show its certificate (EXTERNAL)."""
    context = _server(settings)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _server(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    _load_own(context, settings)
    _load_anchors(context, settings)
    return context


def _national(context: ssl.SSLContext, settings: TlsSettings) -> None:
    context.set_ciphers(NATIONAL_SUITES)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if settings.allow_tls13 else ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET


def _load_own(context: ssl.SSLContext, settings: TlsSettings) -> None:
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(_own_problem(settings, error)) from error


def _own_problem(settings: TlsSettings, error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return f"[tls] key {settings.key} : {reason(error)} ; donnez le bon chemin, lisible par cet utilisateur"
    if error.reason == "KEY_VALUES_MISMATCH":
        return (
            f"[tls] key {settings.key} : ce n'est pas la clé du certificat {settings.certificate} ; "
            "mettez la clé créée avec la demande de ce certificat"
        )
    return (
        f"[tls] key {settings.key} : pas une clé PEM utilisable avec {settings.certificate} "
        f"({error.reason or 'illisible'}) ; vérifiez le fichier, et que la clé n'est pas chiffrée"
    )


def _no_password() -> str:
    """Answer the question for a password of an encrypted key, which would stop the start at a terminal."""
    return ""


def _load_anchors(context: ssl.SSLContext, settings: TlsSettings) -> None:
    for path in (settings.anchors, settings.intermediates):
        try:
            context.load_verify_locations(cafile=path)
        except (OSError, ssl.SSLError) as error:
            msg = f"[tls] {path} : pas utilisable comme autorités ({_said(error)}) ; donnez un fichier PEM d'autorités"
            raise ConfigError(msg) from error


def _said(error: OSError) -> str:
    return error.reason or "illisible" if isinstance(error, ssl.SSLError) else reason(error)


def days_left(certificate: Certificate, now: datetime) -> int:
    """Return the whole days until the certificate expires; negative after it."""
    return (certificate.not_after - now.astimezone(UTC)).days
