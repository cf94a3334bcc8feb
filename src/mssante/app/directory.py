"""Open the door to the directory for programs (FHIR, REST); its file of keys (who calls: `mssante.app.callers`)."""

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from mssante.app.callers import Callers, Federation, PasswordsAndTokens
from mssante.app.config import Config, read_secret
from mssante.doors.directory.app import build_app
from mssante.doors.directory.credentials import ApiKeys
from mssante.doors.directory.peer import CertificateProtocol
from mssante.doors.net.client_certificates import ClientCertificates
from mssante.doors.net.https import open_door
from mssante.flows.directory.reading import Directory
from mssante.model.decision import Refusal
from mssante.model.directory import Caller
from mssante.model.dn import parse_dn
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.log import Log
from mssante.model.system import reason

CLOSED: Final = -1
LAST_CHANGE: Final = "2026-11-28"
KEYS_MAX: Final = 10_000
_PAGES: Final = b"directory pages"


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key: whose, which operator's mailboxes it may publish ("" for none), and its SHA-256 digest.

    Attributes:
        address: of the mailbox whose holder uses it, whose budget it shares; "" for a program of its own.
    """

    name: str
    sha256: str
    operator: str = ""
    address: str = ""


class OperatorEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How keys and mailboxes call the operator that shows a certificate of that subject (RFC 4514)."""

    name: str
    certificate: str


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of keys."""

    key: tuple[KeyEntry, ...] = ()
    operator: tuple[OperatorEntry, ...] = ()


@asynccontextmanager
async def open_directory_door(
    config: Config,
    directory: Directory,
    sign_in: PasswordsAndTokens | None,
    *,
    federation: Federation | None = None,
    log: Log | None = None,
) -> AsyncIterator[int | None]:
    """Open the door when the configuration has it; yields its port, or None.

    Args:
        federation: recognises operators by their certificate; None: no certificate is asked for.
        log: where refused handshakes and renewed certificates go.

    Raises:
        ConfigError: the address, the certificate or the file of keys cannot be used.
    """
    told = config.directory
    if told.port == CLOSED:
        yield None
        return
    if federation is not None:
        federation = replace(federation, operators=read_operators(told.api_keys))
    callers = Callers(ApiKeys(read_keys(told.api_keys)), sign_in, told.near, federation)
    app = build_app(
        directory,
        callers,
        public_url=told.public_url or f"https://{config.operator.hostname}",
        token_key=hmac.digest(read_secret(config.secrets.credential_key), _PAGES, "sha256"),
        version=version("mssante"),
        date=LAST_CHANGE,
        may_publish=callers.may_publish,
    )
    async with open_door(
        app,
        host=told.host,
        port=told.port,
        certificate=told.certificate or config.tls.certificate,
        key=told.key or config.tls.key,
        section="directory",
        clients=None if federation is None else _clients(config, log),
        log=log,
    ) as port:
        yield port


def _clients(config: Config, log: Log | None) -> ClientCertificates:
    def refused(refusal: Refusal) -> None:
        if log is not None:
            log.warning("tls-failed", door="directory", kind=refusal.kind.value, detail=refusal.detail)

    return ClientCertificates((config.tls.anchors, config.tls.intermediates), CertificateProtocol, refused)


def read_keys(path: Path | None) -> dict[bytes, Caller]:
    """Return the keys of a file: SHA-256 digest -> whose it is.

    Raises:
        ConfigError: it cannot be read, or an entry cannot be used.
    """
    found = {}
    for one in () if path is None else read_key_file(path).key:
        try:
            digest = bytes.fromhex(one.sha256)
        except ValueError:
            digest = b""
        if len(digest) != 32 or not one.name:
            msg = f"{path} : la clé {one.name[:60]!r} n'a pas de nom, ou sha256 n'est pas 64 chiffres hexadécimaux"
            raise ConfigError(msg)
        found[digest] = Caller(f"key:{one.name}", operator=one.operator, address=one.address)
    return found


def read_operators(path: Path | None) -> dict[object, str]:
    """Return the operators of a file of keys: key of their certificate's name -> how they are called.

    Raises:
        ConfigError: it cannot be read, or an entry cannot be used.
    """
    found: dict[object, str] = {}
    for one in () if path is None else read_key_file(path).operator:
        try:
            found[parse_dn(one.certificate).key] = one.name
        except TheirProtocolError as error:
            msg = f"{path} : le certificat de l'opérateur {one.name[:60]!r} n'est pas un nom (CN=…,O=…,C=FR)"
            raise ConfigError(msg) from error
    return found


def read_key_file(path: Path) -> KeyFile:
    """Return the entries of a file of keys.

    Raises:
        ConfigError: it cannot be read or is not such a file.
    """
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=KeyFile)
    except OSError as error:
        msg = f"[directory] api_keys {path} : {reason(error)} ; créez-le avec `mssante directory key`"
        raise ConfigError(msg) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"[directory] api_keys {path} : {error} ; corrigez-le ou refaites-le avec `mssante directory key`"
        raise ConfigError(msg) from error
    if len(found.key) + len(found.operator) > KEYS_MAX:
        msg = f"[directory] api_keys {path} : plus de {KEYS_MAX} clés et opérateurs"
        raise ConfigError(msg)
    return found


def add_key(path: Path, entry: KeyEntry) -> None:
    """Write one more key at the end of the file, which is made for this user only when it is missing.

    Raises:
        ConfigError: the name is taken, or the file cannot be used.
    """
    if path.exists() and any(one.name == entry.name for one in read_key_file(path).key):
        msg = f"{path} : le nom {entry.name!r} a déjà une clé ; ôtez-la du fichier, ou prenez un autre nom"
        raise ConfigError(msg)
    values = {"name": entry.name, "operator": entry.operator, "address": entry.address, "sha256": entry.sha256}
    # A JSON string is a TOML string as well.
    lines = "".join(f"{name} = {msgspec.json.encode(value).decode()}\n" for name, value in values.items())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"\n[[key]]\n{lines}")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        msg = f"{path} : {reason(error)} ; donnez un fichier où cet utilisateur écrit"
        raise ConfigError(msg) from error
