"""From the configuration to what mail programs are told: the only place that joins the sections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from mssante.app.compose import Operator
from mssante.app.config import Config
from mssante.doors.autoconfig.app import Desk, Signer, build_app
from mssante.doors.net.https import open_door
from mssante.model.address import parse_domain
from mssante.model.autoconfig import Authentication, Endpoint, MailServices, OAuthProvider, Socket
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.store.domains import list_domains
from mssante.wire.autoconfig.mobileconfig import sign_profile

NOT_TOLD: Final = -1
TRIAL_DOMAIN: Final = "example.org"


def mail_services(config: Config, domain: str) -> MailServices:
    """Return what the mail programs of one of our domains are told.

    Raises:
        ConfigError: a public name of [autoconfig] is not a host name.
    """
    told, hostname = config.autoconfig, _host("hostname", config.operator.hostname)
    web = None
    if told.port != NOT_TOLD:
        web = Endpoint(_host("web_host", told.web_host) or hostname, told.web_port or told.port, Socket.TLS)
    authentication = [Authentication.PASSWORD, Authentication.CERTIFICATE]
    oauth = None
    if told.oauth_issuer:
        authentication.insert(0, Authentication.OAUTH2)
        oauth = OAuthProvider(told.oauth_issuer, told.oauth_authorization_url, told.oauth_token_url, told.oauth_scopes)
    return MailServices(
        domain=domain,
        # A document cannot hold control characters.
        display_name="".join(char for char in told.display_name or config.operator.name if char.isprintable()),
        mx_host=hostname,
        imap=_offered(
            config,
            _host("imap_host", told.imap_host) or hostname,
            told.imap_port or config.imap.port,
            told.imap_implicit_port or config.imap.implicit_port,
        ),
        submission=_offered(
            config,
            _host("submission_host", told.submission_host) or hostname,
            told.submission_port or config.submission.port,
            told.submission_implicit_port or config.submission.implicit_port,
        ),
        ldap=_offered(config, _host("ldap_host", told.ldap_host) or hostname, told.ldap_port, told.ldaps_port),
        jmap_url=told.jmap_url,
        web=web,
        authentication=tuple(authentication),
        oauth=oauth,
        help_url=told.help_url or (_home(web) if web else ""),
        priority=told.priority,
        weight=told.weight,
    )


@asynccontextmanager
async def open_autoconfig(operator: Operator) -> AsyncIterator[int | None]:
    """Open the HTTPS door when the configuration has it; yields its port, or None.

    Raises:
        ConfigError: the address, the names, the certificate or the key cannot be used.
    """
    config = operator.config
    told = config.autoconfig
    if told.port == NOT_TOLD:
        yield None
        return
    mail_services(config, TRIAL_DOMAIN)  # a wrong name stops the start, not the first question
    desk = Desk(
        services=lambda domain: mail_services(config, domain),
        domains=lambda: operator.store.read(list_domains),
        sign=await asyncio.to_thread(_signer, config) if told.sign_profiles else None,
    )
    certificate, key = _pair(config)
    app = build_app(desk)
    async with open_door(
        app, host=told.host, port=told.port, certificate=certificate, key=key, section="autoconfig"
    ) as port:
        yield port


def _pair(config: Config) -> tuple[Path, Path]:
    told = config.autoconfig
    return told.certificate or config.tls.certificate, told.key or config.tls.key


def _signer(config: Config) -> Signer:
    certificate, key_file = _pair(config)
    try:
        chain = load_pem_x509_certificates(certificate.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        msg = f"[autoconfig] certificat {certificate} ou clé {key_file} inutilisable ; vérifiez certificate et key"
        raise ConfigError(msg) from error
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        msg = f"[autoconfig] clé {key_file} : ni RSA ni courbe elliptique ; mettez sign_profiles = false"
        raise ConfigError(msg)
    return lambda data: sign_profile(data, chain, key)


def _offered(config: Config, host: str, starttls: int, implicit: int) -> tuple[Endpoint, ...]:
    found = [
        Endpoint(host, port, socket)
        for port, socket in ((starttls, Socket.STARTTLS), (implicit, Socket.TLS))
        if port > 0
    ]
    return tuple(found if config.autoconfig.prefer == "starttls" else reversed(found))


def _home(web: Endpoint) -> str:
    return f"https://{web.host}/" if web.port == 443 else f"https://{web.host}:{web.port}/"


def _host(key: str, text: str) -> str:
    if not text:
        return ""
    try:
        return parse_domain(text.removesuffix("."))
    except TheirProtocolError as error:
        section = "operator" if key == "hostname" else "autoconfig"
        msg = f"[{section}] {key} {text!r} n'est pas un nom de serveur ; donnez par exemple imap.ch-exemple.fr"
        raise ConfigError(msg) from error
