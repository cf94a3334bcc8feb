"""Open the HTTPS door of the settings of mail programs, on the store and the certificate of a running operator."""

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
from mssante.app.services import CLOSED, mail_services
from mssante.doors.autoconfig.app import Desk, Signer, build_app
from mssante.doors.net.https import open_door
from mssante.model.errors import ConfigError
from mssante.store.domains import list_domains
from mssante.wire.autoconfig.mobileconfig import sign_profile

TRIAL_DOMAIN: Final = "example.org"


@asynccontextmanager
async def open_autoconfig(operator: Operator) -> AsyncIterator[int | None]:
    """Open the HTTPS door when the configuration has it; yields its port, or None.

    Raises:
        ConfigError: the address, the names, the certificate or the key cannot be used.
    """
    config = operator.config
    told = config.autoconfig
    if told.port == CLOSED:
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
        app,
        host=told.host,
        port=told.port,
        certificate=certificate,
        key=key,
        section="autoconfig",
        log=operator.log,
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
