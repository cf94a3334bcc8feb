"""Open the door to the directory for programs (FHIR, REST), and tell who calls it."""

import hmac
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol

import msgspec

from mssante.app.config import Config, read_secret
from mssante.doors.directory.app import build_app
from mssante.doors.directory.credentials import ApiKey, ApiKeys, Basic, Bearer, read_credentials
from mssante.doors.net.https import open_door
from mssante.flows.directory.reading import Directory
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller
from mssante.model.errors import ConfigError
from mssante.model.mailbox import DIRECTORY, Identity, Method
from mssante.model.peer import PeerFacts
from mssante.model.system import reason

CLOSED: Final = -1
LAST_CHANGE: Final = "2026-11-28"
KEYS_MAX: Final = 10_000
_PAGES: Final = b"directory pages"
_UNKNOWN: Final = Refusal(
    Kind.SIGN_IN_FAILED, "directory-door", "This key is not known", "", "Cette clé d'API n'est pas connue ici."
)
_NOBODY: Final = Refusal(
    Kind.SIGN_IN_REQUIRED,
    "directory-door",
    "An API key, an access token or an application password is needed",
    "",
    "Présentez une clé d'API, un jeton ou un mot de passe d'application.",
)


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key: whose, which operator's mailboxes it may publish ("" for none), and its SHA-256 digest."""

    name: str
    sha256: str
    operator: str = ""


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of keys."""

    key: tuple[KeyEntry, ...] = ()


class PasswordsAndTokens(Protocol):
    """Judges what people show; `mssante.flows.sign_in.SignIn` does."""

    async def password(
        self, login: str, password: str, authzid: str, ip: str, service: str = ...
    ) -> Identity | Refusal:
        """Return who signs in with an application password."""
        ...

    async def bearer(self, method: Method, user: str, token: str, ip: str, service: str = ...) -> Identity | Refusal:
        """Return who signs in with an access token."""
        ...


@dataclass(frozen=True, slots=True)
class Callers:
    """Tells who calls: a program by its key, a person by password or token (at an operator only)."""

    keys: ApiKeys
    sign_in: PasswordsAndTokens | None
    near: str = ""

    async def __call__(self, headers: Mapping[str, str], peer: PeerFacts) -> Caller | Refusal:
        """Return the caller, or why there is none."""
        match read_credentials(headers):
            case ApiKey(key):
                return self.keys.caller(key) or _UNKNOWN
            case Basic(login, password) if self.sign_in is not None:
                return self._person(await self.sign_in.password(login, password, "", peer.ip, DIRECTORY))
            case Bearer(token) if self.sign_in is not None:
                return self._person(await self.sign_in.bearer(Method.OAUTHBEARER, "", token, peer.ip, "imap"))
            case _:
                return _NOBODY

    def _person(self, found: Identity | Refusal) -> Caller | Refusal:
        if isinstance(found, Refusal):
            return found
        return Caller(found.login, near=self.near, address=found.login)


@asynccontextmanager
async def open_directory_door(
    config: Config, directory: Directory, sign_in: PasswordsAndTokens | None
) -> AsyncIterator[int | None]:
    """Open the door when the configuration has it; yields its port, or None.

    Raises:
        ConfigError: the address, the certificate or the file of keys cannot be used.
    """
    told = config.directory
    if told.port == CLOSED:
        yield None
        return
    app = build_app(
        directory,
        Callers(ApiKeys(read_keys(told.api_keys)), sign_in, told.near),
        public_url=told.public_url or f"https://{config.operator.hostname}",
        token_key=hmac.digest(read_secret(config.secrets.credential_key), _PAGES, "sha256"),
        version=version("mssante"),
        date=LAST_CHANGE,
    )
    certificate, key = told.certificate or config.tls.certificate, told.key or config.tls.key
    async with open_door(
        app, host=told.host, port=told.port, certificate=certificate, key=key, section="directory"
    ) as port:
        yield port


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
        found[digest] = Caller(f"key:{one.name}", operator=one.operator)
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
    if len(found.key) > KEYS_MAX:
        msg = f"[directory] api_keys {path} : plus de {KEYS_MAX} clés"
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
    values = {"name": entry.name, "operator": entry.operator, "sha256": entry.sha256}
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
